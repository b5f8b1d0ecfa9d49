/** The part of pino's interface that Millrace uses: any logger of this shape will do. */
export interface Logger {
  /** What explains a run afterwards: retries that worked, what the client says. `fields` goes into the entry beside `message`. */
  debug(fields: object, message: string): void
  /** Changes of the application's state; restores. */
  info(fields: object, message: string): void
  /** What was recovered from. */
  warn(fields: object, message: string): void
  /** What stops the application or costs it time, such as a local store that can't be used; `fields.err` is the error. */
  error(fields: object, message: string): void
}

/** Says nothing. */
export const silentLogger: Logger = Object.freeze({ debug() {}, info() {}, warn() {}, error() {} })

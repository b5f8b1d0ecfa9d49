/** What a process of `dev` is told, once. */
export interface DevRequest {
  /** Absolute path of the module. */
  readonly file: string
  readonly partitions: number
  /** Of this process alone. */
  readonly stateDir: string
  readonly json: boolean
  readonly verbose: boolean
}

/** Lines of input, empty ones included, for a topic or, without one, for the only input or the ones that they name. */
export interface DevLines {
  readonly lines: readonly string[]
  readonly topic?: string | undefined
  /** Where they stand, as the command line names it; undefined: they were typed. */
  readonly file?: string | undefined
}

/** Nobody reads what it prints. */
export const UNREAD = 'unread'

/** It is ready for lines. */
export const READY = 'ready'

/** How the process is started that sends. */
export interface WorkerOptions {
  /**
   * A module that exports `events`, definitions of the same types: those with `serialize` get it from there, so that the process makes their bytes, of what JSON has of their
   * payloads. `new URL('./events.js', import.meta.url)`. Default: none, and no type may have `serialize`.
   */
  readonly events?: string | URL | undefined
  /** Options of Node for it. Default: those of this process. */
  readonly execArgv?: readonly string[] | undefined
}

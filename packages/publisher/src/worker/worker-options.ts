/** How the process is started that sends. */
export interface WorkerOptions {
  /** Options of Node for it. Default: those of this process. */
  readonly execArgv?: readonly string[] | undefined
}

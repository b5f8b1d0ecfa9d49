/** How the process is started that sends. */
export interface WorkerOptions {
  /**
   * A module that exports `events`, definitions of the same types: those with `serialize` get it from there, so that the process makes their bytes, of what JSON has of their
   * payloads. `new URL('./events.js', import.meta.url)`. Default: none, and no type may have `serialize`.
   */
  readonly events?: string | URL | undefined
  /** Options of Node for it. Default: those of this process. */
  readonly execArgv?: readonly string[] | undefined
  /**
   * The process is ended, and another takes its place, when nothing was heard of it for so long while it has events, in milliseconds: its event loop is blocked, or it was
   * stopped. What it had is rejected. While it is started it has a minute, or this if it is longer. Default: 30,000.
   */
  readonly answerTimeoutMs?: number | undefined
}

/** What is known of a worker, complete. */
export interface ResolvedWorker {
  readonly execArgv: readonly string[] | undefined
  readonly answerTimeoutMs: number
}

export function resolveWorker(worker: boolean | WorkerOptions | undefined): ResolvedWorker {
  const { execArgv, answerTimeoutMs = 30_000 } = typeof worker === 'object' ? worker : {}
  return { execArgv, answerTimeoutMs }
}

import { start as startWithOurs } from '@millrace/runtime'
import { type Environment, processEnvironment } from '../command-line/environment.ts'
import { UsageError } from '../command-line/errors.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { type CommonOptions, Report } from '../command-line/report.ts'
import type { LoadedApp } from '../load/load-app.ts'
import { importModule, packageOf } from '../load/typescript.ts'
import { DRAIN } from './instance-process.ts'
import { NOT_STARTABLE } from './supervisor.ts'

/** What a process that `startProcess` started does and is told. */
export interface StartedProcess {
  readonly environment: Environment
  readonly report: Report
  /** Runs the application until the process is told to finish. */
  readonly run: (file: string, app: LoadedApp) => Promise<void>
}

/** Does the work of a process that was started by another of ours, and ends it with the exit code that tells how it went. */
export async function startedProcess(options: CommonOptions, work: (process: StartedProcess) => Promise<void>): Promise<never> {
  const stopping = new AbortController()
  const drain = () => stopping.abort()
  // A terminal's Ctrl-C, and its end, reach all processes: who started this one says what is to be done.
  process.on('SIGINT', () => undefined)
  process.on('SIGHUP', () => undefined)
  // A terminal that has gone away is no reason to end before what was begun is done.
  process.stderr.on('error', () => undefined)
  process.on('SIGTERM', drain)
  process.on('disconnect', drain)
  process.on('message', (message) => {
    if (message === DRAIN) drain()
  })
  // Who started it may be gone since before anybody listened.
  if (!process.connected) drain()
  const environment = processEnvironment({ importModule, stop: stopping.signal, kill: new AbortController().signal })
  const report = new Report(environment, options)
  let running = false
  const end = async (error: unknown): Promise<never> => {
    await report.failure(error)
    process.exit(exitCodeOf(error, running))
  }
  process.on('uncaughtException', (error) => void end(error))
  const run = async (file: string, { definition, telemetry }: LoadedApp) => {
    const start = await starterOf(file)
    const app = await start({ ...definition, handleSignals: false })
    await telemetry?.attach(app)
    running = true
    const close = () => void app.close().catch(() => undefined)
    stopping.signal.addEventListener('abort', close)
    if (stopping.signal.aborted) close()
    try {
      await app.run()
    } finally {
      await telemetry?.close()
    }
  }
  try {
    await work({ environment, report, run })
    process.exit(EXIT.done)
  } catch (error) {
    return end(error)
  }
}

/** That of the `millrace` that the application imports: its own version, whichever ours is. */
async function starterOf(file: string): Promise<typeof startWithOurs> {
  const theirs = packageOf(file, 'millrace')
  if (theirs === undefined) return startWithOurs
  const { start } = (await import(theirs)) as { readonly start: typeof startWithOurs }
  return start
}

/** Options that are wrong, and what is missing at the start, stay so: only what may pass, or went wrong while it ran, is worth another try. */
export function exitCodeOf(error: unknown, running: boolean): number {
  if (error instanceof UsageError) return EXIT.usage
  if (running || isTaken(error)) return EXIT.failed
  return (error as { readonly retryable?: unknown }).retryable === true ? EXIT.failed : NOT_STARTABLE
}

/** The port of its HTTP server is another's, such as a predecessor's that is about to end. */
function isTaken(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === 'EADDRINUSE'
}

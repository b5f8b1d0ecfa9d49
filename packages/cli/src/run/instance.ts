import type { AppDefinition } from '@millrace/core'
import { start as startWithOurs } from '@millrace/runtime'
import { processEnvironment } from '../command-line/environment.ts'
import { UsageError } from '../command-line/errors.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { Report } from '../command-line/report.ts'
import { loadApp } from '../load/load-app.ts'
import { importModule, packageOf } from '../load/typescript.ts'
import { DRAIN, type InstanceRequest } from './instance-process.ts'
import { NOT_STARTABLE } from './supervisor.ts'

/** What `run` starts: one process of an application, which ends when it is told to, or when who started it is gone. */

const request = JSON.parse(process.argv[2] ?? '{}') as InstanceRequest
const stopping = new AbortController()
const drain = () => stopping.abort()

// A terminal's Ctrl-C reaches all processes: who started this one says what is to be done.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', drain)
process.on('disconnect', drain)
process.on('message', (message) => {
  if (message === DRAIN) drain()
})

const environment = processEnvironment({ importModule, stop: stopping.signal, kill: new AbortController().signal })
const report = new Report(environment, { verbose: request.verbose })
let running = false

process.on('uncaughtException', (error) => void end(error))
try {
  await run()
  process.exit(EXIT.done)
} catch (error) {
  await end(error)
}

async function run(): Promise<void> {
  const definition = await loadApp(request.file, environment)
  if (definition.transport.name === 'memory' && request.instances > 1) {
    throw new UsageError('An embedded log belongs to one process: run it with one instance, or on Kafka.')
  }
  const start = await starter()
  const app = await start({ ...definition, handleSignals: false })
  running = true
  const close = () => void app.close().catch(() => undefined)
  stopping.signal.addEventListener('abort', close)
  if (stopping.signal.aborted) close()
  await app.run()
}

/** That of the `millrace` that the application imports: its own version, whichever ours is. */
async function starter(): Promise<(definition: AppDefinition) => ReturnType<typeof startWithOurs>> {
  const theirs = packageOf(request.file, 'millrace')
  if (theirs === undefined) return startWithOurs
  const { start } = (await import(theirs)) as { readonly start: typeof startWithOurs }
  return start
}

async function end(error: unknown): Promise<never> {
  await report.failure(error)
  process.exit(exitCodeOf(error))
}

/** Options that are wrong, and what is missing at the start, stay so: only what may pass, or went wrong while it ran, is worth another try. */
function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage
  if (running) return EXIT.failed
  return (error as { readonly retryable?: unknown }).retryable === true ? EXIT.failed : NOT_STARTABLE
}

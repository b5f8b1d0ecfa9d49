import { createRequire } from 'node:module'
import { extname, isAbsolute } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { MessageChannel, Worker, workerData } from 'node:worker_threads'
import { asError, heapLimits, MillraceError, type ResolvedThreads } from '@millrace/core'
import type { StartedThread } from './app-thread.ts'
import { BusyShare } from './busy-share.ts'
import type { ThreadStart } from './messages.ts'
import type { ThreadData } from './thread-main.ts'

const ENTRY = new URL('./thread-entry.js', import.meta.url)
// Beside this file, in the language that this one is in.
const MAIN = new URL(`./thread-main${extname(import.meta.url)}`, import.meta.url)
const TYPESCRIPT = /\.[cm]?tsx?$/

/** Whether this thread is one of an application's: its module must only define the application then, not start it. */
export function isAppThread(): boolean {
  return typeof workerData === 'object' && workerData !== null && 'millraceThread' in workerData
}

/** Starts a worker thread that loads the application's module. */
export function startWorker(threads: ResolvedThreads, start: ThreadStart): StartedThread {
  const module = addressOf(threads.module ?? '')
  const { port1, port2 } = new MessageChannel()
  const data: ThreadData = { channel: port2, start, module, exportName: threads.exportName, loader: loaderFor(module), main: MAIN.href }
  const worker = new Worker(ENTRY, {
    name: `${start.options.applicationId}-${start.number}`,
    workerData: { millraceThread: data },
    transferList: [port2],
    ...(threads.maxHeapBytes !== undefined && { resourceLimits: heapLimits(threads.maxHeapBytes) }),
  })
  let uncaught: unknown
  worker.on('error', (error: unknown) => {
    uncaught = error
  })
  const gone = new Promise<Error>((resolve) => {
    worker.once('exit', (code) => resolve(threadDied(start.number, uncaught, code)))
  })
  const busy = new BusyShare(() => worker.performance.eventLoopUtilization())
  return { channel: port1, gone, terminate: () => worker.terminate(), utilization: () => busy.look() }
}

function threadDied(thread: number, uncaught: unknown, code: number): MillraceError {
  const why = uncaught === undefined ? `it ended with code ${code}` : asError(uncaught).message
  const message = `Thread ${thread} of the application died: ${why}. What it had not committed is processed again.`
  return new MillraceError('THREAD_DIED', message, { stage: 'process', retryable: true, cause: uncaught })
}

/** As an import takes it, from wherever: paths are those of this process. */
export function addressOf(module: string): string {
  return isAbsolute(module) || /^\.\.?[\\/]/.test(module) ? pathToFileURL(module).href : module
}

/** What has to be registered before the module, and ours where it runs from its sources, can be imported: `tsx`, if it is installed. */
function loaderFor(module: string): string | undefined {
  if (TYPESCRIPT.test(MAIN.pathname)) return tsxFrom(fileURLToPath(MAIN)) ?? tsxFrom(pathOf(module))
  return TYPESCRIPT.test(module) ? tsxFrom(pathOf(module)) : undefined
}

/** Its module for `import`, whichever way this process resolves names: that for `require` registers nothing in a thread. */
export function tsxFrom(file: string): string | undefined {
  try {
    const require = createRequire(file)
    const manifest = require.resolve('tsx/package.json')
    const { exports } = require(manifest) as {
      readonly exports: Readonly<Record<string, { readonly import?: { readonly default?: string } }>>
    }
    const api = exports['./esm/api']?.import?.default
    return api === undefined ? undefined : new URL(api, pathToFileURL(manifest)).href
  } catch {
    return undefined
  }
}

function pathOf(module: string): string {
  return module.startsWith('file:') ? fileURLToPath(module) : fileURLToPath(import.meta.url)
}

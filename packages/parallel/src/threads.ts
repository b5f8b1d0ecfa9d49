import { fileURLToPath } from 'node:url'
import { errorFrom, heapLimits, type Logger, MillraceError } from '@millrace/core'
import { Piscina } from 'piscina'
import type { Chunk, ChunkResult, LoadProblem, ThreadData } from './messages.ts'
import type { ResolvedOptions } from './resolve-options.ts'

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url))

/** A pool of threads that have loaded one function. A thread that dies is replaced. */
export class Threads {
  readonly #piscina: Piscina<Chunk | undefined, ChunkResult | LoadProblem | undefined>
  readonly #options: ResolvedOptions
  #loaded: Promise<void> | undefined

  constructor(options: ResolvedOptions, logger: Logger) {
    const { module, exportName, threads, maxHeapBytes } = options
    this.#options = options
    this.#piscina = new Piscina({
      filename: WORKER,
      name: 'work',
      workerData: { module, exportName } satisfies ThreadData,
      minThreads: threads,
      maxThreads: threads,
      // A thread that sleeps on an atomic between two chunks would stop whatever the module does in the background.
      atomics: 'disabled',
      recordTiming: false,
      ...(maxHeapBytes === undefined ? {} : { resourceLimits: heapLimits(maxHeapBytes) }),
    })
    this.#piscina.on('error', (error: unknown) =>
      logger.warn({ err: error, module }, 'a thread died between two batches; another one takes its place'),
    )
  }

  get count(): number {
    return this.#options.threads
  }

  /** Resolves when a thread has loaded the function. Rejects with an error that names the module. */
  load(): Promise<void> {
    return (this.#loaded ??= this.#load())
  }

  /** Runs the function on a chunk. `buffer` is transferred. Aborted: what waits is dropped, and the thread that works on it is ended. */
  async run(chunk: Chunk, buffer: ArrayBuffer, signal: AbortSignal): Promise<ChunkResult> {
    const answer = await this.#piscina.run(chunk, { signal, transferList: buffer.byteLength === 0 ? [] : [buffer] })
    if (answer === undefined || !('failed' in answer)) throw this.#notLoaded(answer ?? {})
    return answer
  }

  /** Ends the threads, whatever they do. */
  async close(): Promise<void> {
    // One that was ended just before is noticed later, and must not be replaced then.
    this.#piscina.options.minThreads = 0
    await this.#piscina.destroy()
  }

  async #load(): Promise<void> {
    let problem: LoadProblem | ChunkResult | undefined
    try {
      problem = await this.#piscina.run(undefined)
    } catch (error) {
      throw this.#failedToLoad(`the thread that loaded it died: ${error instanceof Error ? error.message : String(error)}`, error)
    }
    if (problem !== undefined) throw this.#notLoaded(problem as LoadProblem)
  }

  #notLoaded({ error, exports = [] }: LoadProblem): MillraceError {
    const { exportName, module } = this.#options
    if (error === undefined) {
      const has = exports.length === 0 ? 'it exports nothing' : `it exports ${exports.join(', ')}`
      return this.#failedToLoad(`it has no function '${exportName}': ${has}`)
    }
    const cause = errorFrom(error)
    const isTypeScript = error.code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[cm]?ts$/.test(module)
    const hint = isTypeScript ? ' This Node runs no TypeScript in threads: name the compiled module.' : ''
    return this.#failedToLoad(`${cause.message}.${hint}`, cause)
  }

  #failedToLoad(reason: string, cause?: unknown): MillraceError {
    const message = `The module ${this.#options.module} of a parallel batch processor can't be used: ${reason}`
    return new MillraceError('MODULE_NOT_LOADED', message, { stage: 'process', cause })
  }
}

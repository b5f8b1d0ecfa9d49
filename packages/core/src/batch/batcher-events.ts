import type { BatchOptions } from './batch-options.ts'
import type { BatchPolicy } from './batch-policy.ts'
import type { BatchTrigger } from './batch-trigger.ts'
import type { Logger } from '../observe/logger.ts'
import type { Observer, RuntimeEvent } from '../observe/observer.ts'
import { teller } from '../observe/tell.ts'

interface About {
  readonly records: number
  readonly bytes: number
  readonly trigger: BatchTrigger
}

/** Tells what a batcher does, with the events of a topology. */
export class BatcherEvents {
  readonly name: string
  readonly #logger: Logger
  readonly #tell: (event: RuntimeEvent) => void

  constructor(name: string, observer: Observer | undefined, logger: Logger) {
    this.name = name
    this.#logger = logger
    this.#tell = teller(observer, { name: 'the observer', logger })
  }

  cut({ ageMs, ...about }: About & { readonly ageMs: number }): void {
    this.#tell({ type: 'cut', stage: 'batch', ...this.#where, ...about, ageMs: Math.max(0, ageMs) })
  }

  batch({ durationMs, ...about }: About & { readonly durationMs: number }): void {
    this.#tell({ type: 'batch', stage: 'process', node: this.name, ...this.#where, ...about, durationMs })
  }

  retry(about: { readonly retry: number; readonly delayMs: number; readonly error: unknown; readonly records: number }): void {
    const { error, ...what } = about
    this.#logger.warn({ batcher: this.name, ...what, err: error }, 'a batch failed and is tried again')
    this.#tell({ type: 'retry', stage: 'process', ...this.#where, ...about })
  }

  skipped({ sequence, error, attempts }: { readonly sequence: number; readonly error: unknown; readonly attempts: number }): void {
    this.#logger.warn({ batcher: this.name, sequence, attempts, err: error }, 'an item that failed was skipped')
    const where = { ...this.#where, node: this.name, offset: sequence }
    this.#tell({ type: 'failure', stage: 'process', policy: 'skip', ...where, attempts, error })
  }

  batching(change: BatchOptions, policy: BatchPolicy): void {
    this.#logger.info({ batcher: this.name, change }, 'batching was changed')
    this.#tell({ type: 'batching', stage: 'batch', change: { ...change }, policies: [{ topic: this.name, policy }] })
  }

  get #where() {
    return { task: this.name, topic: this.name, partition: 0 }
  }
}

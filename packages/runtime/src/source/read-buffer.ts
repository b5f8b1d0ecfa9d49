import { MemoryBudget, memoryOf } from '@millrace/core'
import type { PartitionQueue } from './partition-queue.ts'

export interface ReadBufferOptions {
  readonly maxRecords: number
  /** Serialised. */
  readonly maxBytes: number
  /** What they may take in memory, as estimated. */
  readonly memoryBudgetBytes: number
}

/** What was read and not yet processed, over all partitions. */
export class ReadBuffer {
  readonly #options: ReadBufferOptions
  readonly #memory: MemoryBudget
  /** Reading stands still, for all that anybody processes: no task may wait for more. */
  stalled = false
  #records = 0
  #bytes = 0

  constructor(options: ReadBufferOptions) {
    this.#options = options
    this.#memory = new MemoryBudget(options.memoryBudgetBytes)
  }

  /** Nothing more is to be read, and what waits is to be cut: nobody knows whether what it waits for would have room. */
  get full(): boolean {
    return this.#records >= this.#options.maxRecords || this.#bytes >= this.#options.maxBytes || this.#memory.spent
  }

  add(records: number, bytes: number): void {
    this.#records += records
    this.#bytes += bytes
    this.#memory.take(memoryOf(records, bytes))
  }

  remove(records: number, bytes: number): void {
    this.#records -= records
    this.#bytes -= bytes
    this.#memory.giveBack(memoryOf(records, bytes))
  }

  /** Whether a queue holds at least one of `parts` equal parts of what there is room for. */
  holdsShare(queue: PartitionQueue, parts: number): boolean {
    const { maxRecords, maxBytes, memoryBudgetBytes } = this.#options
    return queue.length * parts >= maxRecords || queue.bytes * parts >= maxBytes || queue.memoryBytes * parts >= memoryBudgetBytes
  }
}

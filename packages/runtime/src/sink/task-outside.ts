import type { SubTopology } from '@millrace/core'
import type { PartitionQueue } from '../source/partition-queue.ts'
import { outsideNodes, type OutsideSinks } from './outside-sinks.ts'
import type { PassOutput } from './sink-output.ts'

/** The sinks outside of the log as one task has them: those of its sub-topology, for its partitions. */
export class TaskOutside {
  readonly #sinks: OutsideSinks
  readonly #nodes: readonly string[]
  readonly #queues: readonly PartitionQueue[]

  constructor(sinks: OutsideSinks, subTopology: SubTopology, queues: readonly PartitionQueue[]) {
    this.#sinks = sinks
    this.#nodes = outsideNodes(subTopology)
    this.#queues = queues
  }

  /** The task begins; aborted, it does not. */
  assign(signal: AbortSignal): Promise<void> {
    return this.#sinks.assign(this.#nodes, this.#queues, signal)
  }

  /** The task is over: what is not stored yet is dropped. */
  revoke(): void {
    this.#sinks.revoke(this.#nodes, this.#queues)
  }

  /** A pass is done. */
  accept({ outside }: PassOutput): void {
    this.#sinks.accept(outside, this.#queues)
  }

  /** Whether offsets may be held back. */
  get holdsBack(): boolean {
    return this.#nodes.length > 0
  }

  /** Whether passes have to wait. */
  get full(): boolean {
    return this.#sinks.full(this.#nodes, this.#queues)
  }

  room(): Promise<void> {
    return this.#sinks.room(this.#nodes, this.#queues)
  }
}

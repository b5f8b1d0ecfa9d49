import type { Clock, Logger, OffsetCommit, RuntimeEvent, TransportAdmin } from '@millrace/core'
import type { RunnableDefinition } from '../app/resolve-definition.ts'
import type { Batching } from '../batch/batching.ts'
import type { Turns } from '../internal/turns.ts'
import type { CarefulDelivery } from '../sink/careful-delivery.ts'
import type { OutsideSinks } from '../sink/outside-sinks.ts'
import type { OutputQueue } from '../sink/output-queue.ts'
import type { TopicDirectory } from '../sink/topic-directory.ts'
import type { ReadBuffer } from '../source/read-buffer.ts'
import type { ClosingStores } from '../store/closing-stores.ts'

/** What the tasks of one application share. */
export interface TaskEnvironment {
  readonly definition: RunnableDefinition
  readonly clock: Clock
  readonly logger: Logger
  /** Tells the observer; undefined when there is none, so that nobody makes events for nobody. */
  readonly emit: ((event: RuntimeEvent) => void) | undefined
  readonly admin: TransportAdmin
  readonly directory: TopicDirectory
  /** For how long changelogs keep deletions, in milliseconds, by topic: those whose setting is known, and may not be ours. */
  readonly deletionRetentions: ReadonlyMap<string, number>
  readonly batching: Batching
  readonly buffer: ReadBuffer
  readonly careful: CarefulDelivery
  readonly outside: OutsideSinks
  readonly turns: Turns
  /** The queue of the present writer. */
  readonly output: () => OutputQueue
  /** Folder of one store of one task. */
  readonly storeFolder: (task: string, store: string) => string
  /** Stores of this application that are being closed. */
  readonly closing: ClosingStores
  /** Resolves when nobody else in this process has the stores of a task, to what lets others have them. Absent: nobody else could. */
  readonly holdTask?: ((task: string, signal: AbortSignal) => Promise<() => void>) | undefined
  /** A pass or an interval of a task is done: `records` were processed, `uncommittedBytes` of state wait in that task. */
  readonly onProgress: (records: number, uncommittedBytes: number) => void
  readonly requestCommit: () => void
  /** These offsets are committed. */
  readonly onCommitted: (offsets: readonly OffsetCommit[]) => void
  /** The application can't go on. */
  readonly fail: (error: unknown) => void
}

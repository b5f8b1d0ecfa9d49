import { type CommitParticipant, MillraceError, type OffsetCommit, type RecordWriter, type WriteFailure } from '@millrace/core'
import type { OutputQueue } from '../sink/output-queue.ts'

/** Output and changelogs are durable when all that was queued has been accepted and acknowledged. */
export class WriterParticipant implements CommitParticipant {
  readonly name = 'writer'
  readonly #writer: RecordWriter
  readonly #output: OutputQueue

  constructor(writer: RecordWriter, output: OutputQueue) {
    this.#writer = writer
    this.#output = output
  }

  async prepare(offsets: readonly OffsetCommit[]): Promise<readonly OffsetCommit[]> {
    await this.#output.barrier()
    const failures = await this.#writer.flush()
    if (failures.length > 0) throw deliveryError(failures)
    return offsets
  }
}

function deliveryError(failures: readonly WriteFailure[]): MillraceError {
  const [first] = failures as [WriteFailure]
  const others = failures.length === 1 ? '' : ` (and ${failures.length - 1} more)`
  return new MillraceError(
    'DELIVERY_FAILED',
    `A record for topic '${first.topic}' could not be delivered${others}: ${first.error.message}`,
    {
      stage: 'sink',
      retryable: first.error.retryable,
      cause: first.error,
      topic: first.topic,
      partition: first.partition,
    },
  )
}

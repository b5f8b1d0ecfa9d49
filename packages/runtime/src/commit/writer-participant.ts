import { type CommitParticipant, MillraceError, type OffsetCommit, type RecordWriter, type WriteFailure } from '@millrace/core'

/** Output and changelogs are durable when all that the writer has accepted is acknowledged. */
export class WriterParticipant implements CommitParticipant {
  readonly name = 'writer'
  readonly #writer: RecordWriter

  constructor(writer: RecordWriter) {
    this.#writer = writer
  }

  async prepare(offsets: readonly OffsetCommit[]): Promise<readonly OffsetCommit[]> {
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

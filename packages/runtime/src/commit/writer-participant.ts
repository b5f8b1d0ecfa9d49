import type { CommitParticipant, OffsetCommit, RecordWriter } from '@millrace/core'
import { deliveryError } from '../sink/write-named.ts'

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

import type { CommitParticipant, OffsetCommit, RecordWriter } from '@millrace/core'
import { deliveryError } from '../sink/write-named.ts'
import type { TaskEnvironment } from '../task/task-environment.ts'

/** Output and changelogs are durable when all that the writer has accepted is acknowledged. */
export class WriterParticipant implements CommitParticipant {
  readonly name = 'writer'
  readonly #writer: RecordWriter
  readonly #environment: Pick<TaskEnvironment, 'clock' | 'emit'>

  constructor(writer: RecordWriter, environment: Pick<TaskEnvironment, 'clock' | 'emit'>) {
    this.#writer = writer
    this.#environment = environment
  }

  async prepare(offsets: readonly OffsetCommit[]): Promise<readonly OffsetCommit[]> {
    const { clock, emit } = this.#environment
    const began = clock.monotonic()
    const failures = await this.#writer.flush()
    emit?.({ type: 'flush', stage: 'sink', durationMs: clock.monotonic() - began })
    if (failures.length > 0) throw deliveryError(failures)
    return offsets
  }
}

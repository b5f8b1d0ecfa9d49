import type { CommitParticipant, CommitUrgency, OffsetCommit, RecordSource, RecordWriter } from '@millrace/core'
import type { SealedTask } from '../task/sealed-task.ts'
import { writeNamed } from '../sink/write-named.ts'
import type { CommitProtocol } from './commit-protocol.ts'
import { prepare } from './prepare.ts'

export interface ExactlyOnceOptions {
  readonly source: RecordSource
  /** Transactional. */
  readonly writer: RecordWriter
  /** Who must be durable before offsets are: the writer first, then sinks outside. */
  readonly participants: readonly CommitParticipant[]
}

/**
 * Output, changelogs and offsets are one transaction: the one that is open takes what passes write, and each commit ends it and begins the next. The
 * group refuses the offsets, and with them the transaction, of a process that has lost its membership (KIP-447), so that nothing of it is ever seen.
 */
export class ExactlyOnce implements CommitProtocol {
  readonly commitsOutput = true
  readonly #options: ExactlyOnceOptions

  constructor(options: ExactlyOnceOptions) {
    this.#options = options
  }

  open(): Promise<void> {
    return this.#options.writer.begin()
  }

  async confirm(): Promise<void> {}

  async commit(sealed: readonly SealedTask[], check: () => void, urgency: CommitUrgency): Promise<readonly OffsetCommit[]> {
    const { source, writer, participants } = this.#options
    for (const { changelog } of sealed) {
      for (const write of changelog) {
        await writeNamed(writer, write)
        check()
      }
    }
    // Of a task that has got no further what is committed is committed again: the group has to count us in for that, too.
    const offsets = sealed.flatMap(({ offsets: moved, held }) => (moved.length > 0 ? moved : [held]))
    // Asked before the transaction is, the writer names the record that it could not deliver.
    const committed = await prepare(participants, offsets, urgency)
    if (committed.some(({ offset }, i) => offset !== offsets[i]?.offset) || committed.length < offsets.length)
      throw new Error('A transaction has all effects of what was sealed, or none: its offsets are not for others to choose.')
    check()
    await writer.sendOffsets(committed, source)
    check()
    await writer.commit()
    await writer.begin()
    return committed
  }
}

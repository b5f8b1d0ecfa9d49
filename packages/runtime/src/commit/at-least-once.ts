import {
  type Clock,
  type CommitParticipant,
  type CommitUrgency,
  type OffsetCommit,
  partitionKey,
  type RecordSource,
  type RecordWriter,
} from '@millrace/core'
import type { SealedTask } from '../task/sealed-task.ts'
import type { CommitProtocol } from './commit-protocol.ts'
import { Membership } from './membership.ts'
import { prepare } from './prepare.ts'

export interface AtLeastOnceOptions {
  readonly clock: Clock
  readonly source: RecordSource
  readonly writer: RecordWriter
  /** Who must be durable before offsets are: the writer first, then sinks outside. */
  readonly participants: readonly CommitParticipant[]
}

/**
 * See that the group still counts us in, then write the changelogs, make them and the output durable, write state that has no changelog, then commit
 * the offsets. So no offset is ever ahead of what it stands for, and nobody who lost his partitions writes changelogs.
 */
export class AtLeastOnce implements CommitProtocol {
  readonly commitsOutput = false
  readonly #options: AtLeastOnceOptions
  readonly #membership: Membership

  constructor(options: AtLeastOnceOptions) {
    this.#options = options
    this.#membership = new Membership(options.source, options.clock)
  }

  async open(): Promise<void> {}

  confirm(held: OffsetCommit): Promise<void> {
    return this.#membership.confirm(held)
  }

  async commit(sealed: readonly SealedTask[], check: () => void, urgency: CommitUrgency): Promise<readonly OffsetCommit[]> {
    const { writer, participants } = this.#options
    for (const { held, changelog } of sealed) {
      for (const write of changelog) {
        await this.#membership.confirm(held)
        check()
        await writer.writeBatch(write)
        check()
      }
    }
    const wanted = sealed.flatMap(({ offsets }) => offsets)
    const committed = timed(await prepare(participants, wanted, urgency), sealed)
    check()
    if (sealed.some(({ task }) => task.stores.hasUnlogged) && committed.length < wanted.length)
      throw new Error('State without a changelog has all effects of what was sealed: its offsets are not for others to choose.')
    await Promise.all(sealed.map(({ task, offsets }) => task.stores.persistUnlogged(offsets)))
    check()
    if (committed.length > 0) await this.#membership.commit(committed)
    return committed
  }
}

/** What is held back has the partition's time of then, which the task that has taken it knows. */
function timed(durable: readonly OffsetCommit[], sealed: readonly SealedTask[]): readonly OffsetCommit[] {
  const takenBy = new Map(
    sealed.flatMap(({ task, offsets }) =>
      offsets.map((at) => [partitionKey(at.topic, at.partition), { task, offset: at.offset }] as const),
    ),
  )
  return durable.map((at) => {
    const taken = takenBy.get(partitionKey(at.topic, at.partition))
    return taken === undefined || taken.offset === at.offset ? at : taken.task.offsets.timed(at)
  })
}

import type { Clock } from '@millrace/core'
import type { Cluster } from '../cluster/cluster.ts'
import { CODE, refusal } from '../errors/protocol-codes.ts'
import type { Coordinator } from '../cluster/coordinator.ts'
import { commitOffsets, fetchOffsets, fetchOffsetsOf, type OffsetQuestion } from './group-calls.ts'
import { GROUP_CODE } from './group-codes.ts'
import type { PositionCommit } from '../read/read-position.ts'
import type { FetchedOffset } from '../wire/offset-fetch.ts'
import type { GroupMetadata } from '../wire/group-metadata.ts'

/** Between two questions for an offset that a transaction still holds, in milliseconds. */
const UNSTABLE_RETRY_MS = 50

export interface GroupOffsetsParts {
  readonly cluster: Cluster
  readonly coordinator: Coordinator
  readonly clock: Clock
  /** How long each may take, in milliseconds. */
  readonly patienceMs: number
}

/** What a member, and its offsets, have to do with a commit that the group refuses. */
export interface CommittingMember {
  /** Its place in the group now. */
  readonly metadata: () => GroupMetadata
  /**
   * Told of a refusal. Resolves to whether it may pass when it is tried again: the group was rebalancing, and this is still a member of it that has all
   * that is committed.
   */
  readonly refused: (code: number, from: GroupMetadata, until: number) => Promise<boolean>
}

/** Who asks for offsets. */
export interface OffsetAsker {
  readonly groupId: string
  /** Default: nobody in particular, whose place in the group does not matter. */
  readonly member?: CommittingMember | undefined
}

/** The offsets of a group: committed and looked up. */
export class GroupOffsets {
  readonly #parts: GroupOffsetsParts

  constructor(parts: GroupOffsetsParts) {
    this.#parts = parts
  }

  /** Resolves when all are committed. Rejects with a `PackedError` that has the code of what was refused. */
  async commit(member: CommittingMember, groupId: string, offsets: readonly PositionCommit[]): Promise<void> {
    const { coordinator, clock, patienceMs } = this.#parts
    const until = clock.monotonic() + patienceMs
    for (;;) {
      const metadata = member.metadata()
      const codes = await coordinator.answer({
        use: (connection) => commitOffsets(connection, metadata, offsets),
        codeOf: ([first]) => first ?? CODE.none,
        doing: `commit offsets of group '${groupId}'`,
        patienceMs: Math.max(0, until - clock.monotonic()),
      })
      const [code] = codes
      if (code === undefined) return
      if (!(await member.refused(code, metadata, until))) throw refusal(code, `commit offsets of group '${groupId}'`)
    }
  }

  /** Those of partitions that have none are left out. `requireStable`: waits until no transaction holds them. */
  async committed(asker: OffsetAsker, question: OffsetQuestion): Promise<PositionCommit[]> {
    const { groupId, member } = asker
    const { cluster, coordinator, clock, patienceMs } = this.#parts
    const until = clock.monotonic() + patienceMs
    const doing = `tell offsets of group '${groupId}'`
    for (;;) {
      const metadata = member?.metadata()
      const answer = await coordinator.answer({
        use: (connection) =>
          metadata === undefined ? fetchOffsets(connection, groupId, question) : fetchOffsetsOf(connection, metadata, question),
        codeOf: ({ code }) => code,
        doing,
        patienceMs: Math.max(0, until - clock.monotonic()),
      })
      if (answer.code !== CODE.none) {
        if (metadata !== undefined && (await member?.refused(answer.code, metadata, until)) === true) continue
        throw refusal(answer.code, doing)
      }
      const codes = new Set(answer.partitions.map(({ code }) => code))
      codes.delete(CODE.none)
      // What does not exist has none.
      codes.delete(CODE.unknownTopic)
      const [code] = codes
      if (code === undefined) return answer.partitions.flatMap(toCommit)
      if (code !== GROUP_CODE.unstableOffset || clock.monotonic() >= until) throw refusal(code, doing)
      await cluster.delay(UNSTABLE_RETRY_MS)
    }
  }
}

function toCommit({ topic, partition, offset, leaderEpoch, metadata }: FetchedOffset): PositionCommit[] {
  if (offset < 0) return []
  const hasMetadata = metadata !== null && metadata !== ''
  return [{ topic, partition, offset, ...(leaderEpoch >= 0 && { leaderEpoch }), ...(hasMetadata && { metadata }) }]
}

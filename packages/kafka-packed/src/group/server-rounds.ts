import { randomUUID } from 'node:crypto'
import { settledWithin, type TopicPartition } from '@millrace/core'
import type { BrokerConnection } from '../cluster/broker-connection.ts'
import { PackedError } from '../errors/packed-error.ts'
import { refusal } from '../errors/protocol-codes.ts'
import { byTopic } from '../wire/by-topic.ts'
import type { GroupMetadata } from '../wire/group-metadata.ts'
import {
  consumerGroupHeartbeat,
  type HeartbeatAnswer,
  MEMBER_EPOCH,
  type MemberReport,
  type TopicIdPartitions,
} from './consumer-group-heartbeat.ts'
import { GROUP_CODE, PUT_OUT } from './group-codes.ts'
import type { GroupRounds, RoundParts } from './group-rounds.ts'

/** Beyond a session, within which the name of a static member that died may be held. */
const MARGIN_MS = 5_000
/** Of a session, for which a heartbeat waits: the time between two goes before it, and as much is left to be answered. */
const SHARE_OF_SESSION = 1 / 3

/**
 * Groups of KIP-848: the coordinator says who gets what, to each member in the answer to its heartbeats. A round is one heartbeat, whose answer is acted upon; others
 * only notice that there is something to act upon. Each heartbeat says what the member has, so that what it has given up is acknowledged by the next.
 */
export class ServerRounds implements GroupRounds {
  topics: readonly string[] = []
  heartbeatIntervalMs: number
  readonly isLeader = false
  /** Its epoch is as it was until it is answered, and then at once as it is. */
  readonly isJoining = false
  readonly #parts: RoundParts
  /** For good: a member that was put out joins again by it. */
  readonly #memberId = randomUUID()
  #epoch: number = MEMBER_EPOCH.joins
  /**
   * The epoch it had when the group fell silent: the group may have it still, and lets it in by no other until its session ends. Undefined: the group has said that
   * it has not.
   */
  #earlierEpoch: number | undefined
  /** It has told the group of itself. */
  #hasTold = false
  /** Another each time when its place is lost. */
  #place = {}
  /** Of topics, as they were given: a topic made anew has another. */
  readonly #ids = new Map<string, string>()
  /** The assignment that was acted upon last. */
  #settled: string | undefined
  #underWay = 0
  #abandoned = rejectable()
  /** Since when the coordinator, answering all along, has said that another holds the name of this static member. */
  #unreleased: { readonly since: number; readonly by: number | undefined } | undefined

  constructor(parts: RoundParts) {
    this.#parts = parts
    this.heartbeatIntervalMs = parts.options.heartbeatIntervalMs
  }

  get metadata(): GroupMetadata {
    const { groupId, groupInstanceId } = this.#parts.options
    // Who never subscribed commits for nobody. An epoch that no member has is refused, where none at all may be taken for nobody's.
    if (this.topics.length === 0) return { groupId, groupInstanceId, memberId: '', generation: -1 }
    const generation = this.#epoch === MEMBER_EPOCH.joins ? this.#epoch : Math.max(this.#epoch, this.#parts.member.toldEpoch())
    return { groupId, groupInstanceId, memberId: this.#memberId, generation }
  }

  get isStable(): boolean {
    return this.#epoch !== MEMBER_EPOCH.joins && this.#underWay === 0
  }

  get report(): MemberReport {
    const { rebalanceTimeoutMs, serverAssignor } = this.#parts.options
    const owned = [...byTopic(this.#parts.member.owned())].flatMap(([topic, ofTopic]) => {
      const topicId = this.#ids.get(topic)
      return topicId === undefined ? [] : [{ topicId, partitions: ofTopic.map(({ partition }) => partition) }]
    })
    return { rebalanceTimeoutMs, topics: [...this.topics], serverAssignor, owned }
  }

  async run(owned: readonly TopicPartition[]): Promise<TopicPartition[] | undefined> {
    const place = this.#place
    const asked = this.#parts.coordinator.once({
      use: (connection) => this.#ask(connection, place),
      codeOf: ({ errorCode }) => errorCode,
      doing: `let a member join group '${this.#parts.options.groupId}'`,
    })
    const { errorCode, errorMessage, assignment } = await Promise.race([asked, this.#abandoned.promise]).catch((error: unknown) => {
      this.#unreleased = undefined
      throw error
    })
    if (errorCode !== 0) {
      this.#refused(errorCode, errorMessage ?? '')
      return undefined
    }
    const given = assignment?.topicPartitions ?? []
    const partitions = await this.#named(given, owned)
    return place === this.#place ? partitions : undefined
  }

  async beat(connection: BrokerConnection): Promise<number> {
    const place = this.#place
    // It would join.
    if (this.#epoch === MEMBER_EPOCH.joins) throw placeLost()
    const { errorCode, assignment } = await this.#ask(connection, place)
    const isNews = errorCode === 0 && assignment !== null && keyOf(assignment.topicPartitions) !== this.#settled
    if (isNews && place === this.#place) this.#parts.events.onChanged()
    return errorCode
  }

  farewell(): ((connection: BrokerConnection) => Promise<number>) | undefined {
    // Also when it was not answered: the group may have let it in, and would keep it for a session.
    if (!this.#hasTold) return undefined
    const { metadata, report } = this
    // A static member's partitions wait for it, and another may take its name.
    const generation = metadata.groupInstanceId === undefined ? MEMBER_EPOCH.leaves : MEMBER_EPOCH.leavesForNow
    const leaving = { ...metadata, memberId: this.#memberId, generation }
    return async (connection) => (await consumerGroupHeartbeat(connection, leaving, report)).errorCode
  }

  forget(): void {
    this.dropOut()
    this.#earlierEpoch = undefined
  }

  dropOut(): void {
    if (this.#epoch !== MEMBER_EPOCH.joins) this.#earlierEpoch = this.metadata.generation
    this.#epoch = MEMBER_EPOCH.joins
    this.#place = {}
    this.#settled = undefined
    this.#ids.clear()
    this.abandon()
  }

  abandon(): void {
    this.#abandoned.reject(placeLost())
    this.#abandoned = rejectable()
  }

  retire(): void {
    this.abandon()
  }

  unheard(): void {
    // A round waits no longer than a heartbeat does.
  }

  close(): void {
    this.abandon()
  }

  async #ask(connection: BrokerConnection, place: object): Promise<HeartbeatAnswer> {
    await this.#unused()
    if (place !== this.#place) throw placeLost()
    this.#underWay++
    this.#hasTold = true
    const { metadata, report } = this
    try {
      // By the earlier one it says that it has nothing, as a member does that is put out.
      const answer = await consumerGroupHeartbeat(
        connection,
        { ...metadata, generation: this.#earlierEpoch ?? metadata.generation },
        report,
      )
      if (answer.errorCode === 0 && place === this.#place) this.#take(answer)
      return answer
    } finally {
      this.#underWay--
      this.#parts.events.onSettled()
    }
  }

  /** Who uses its place is waited for, but not for so long that the group would miss the member: better that a transaction fails which takes that long. */
  async #unused(): Promise<void> {
    const { member, options } = this.#parts
    const { clock, sessionTimeoutMs } = options
    const until = clock.monotonic() + sessionTimeoutMs * SHARE_OF_SESSION
    for (let use = member.inUse(); use !== undefined; use = member.inUse())
      if (!(await settledWithin(use, until - clock.monotonic(), clock))) return
  }

  #take({ memberEpoch, heartbeatIntervalMs }: HeartbeatAnswer): void {
    const hasMoved = memberEpoch !== this.#epoch || heartbeatIntervalMs !== this.heartbeatIntervalMs
    this.#epoch = memberEpoch
    this.heartbeatIntervalMs = heartbeatIntervalMs
    this.#earlierEpoch = undefined
    this.#unreleased = undefined
    if (hasMoved) this.#parts.events.onJoined(this.metadata, this.#parts.coordinator.address)
  }

  #refused(code: number, message: string): void {
    const { options, events } = this.#parts
    const { groupId, groupInstanceId, serverAssignor } = options
    if (code === GROUP_CODE.unreleasedInstance) {
      if (this.#mayBeReleased()) throw refusal(code, `let a member join group '${groupId}'`)
      const name = `Another member of group '${groupId}' has the name '${groupInstanceId}'`
      throw new PackedError(`${name}: give each a name of its own.`, { kind: 'other', code })
    }
    this.#unreleased = undefined
    if (code === GROUP_CODE.unsupportedAssignor)
      throw new PackedError(`The brokers have no assignor '${serverAssignor}' for group '${groupId}': ${message}`, { kind: 'other', code })
    // Who joins makes a group that is not there: there is one, of the other protocol.
    if (code === GROUP_CODE.groupIdNotFound && this.#epoch === MEMBER_EPOCH.joins && this.#earlierEpoch === undefined)
      throw new PackedError(`Members of group '${groupId}' are of another protocol: stop them all first (${message}).`, {
        kind: 'other',
        code,
      })
    events.onRefused(code)
    const error = refusal(code, `let a member join group '${groupId}'`)
    if (!PUT_OUT.has(code) && !error.retriable) throw error
  }

  /** Who has its name may have died, and is kept for as long as a session; by another coordinator, or one that was away, for a whole one again. */
  #mayBeReleased(): boolean {
    const { coordinator, options } = this.#parts
    const now = options.clock.monotonic()
    if (this.#unreleased?.by !== coordinator.node) this.#unreleased = undefined
    this.#unreleased ??= { since: now, by: coordinator.node }
    return now - this.#unreleased.since < options.sessionTimeoutMs + MARGIN_MS
  }

  /** By the names of their topics. What has no name yet is left out, and looked at again with the next heartbeat. */
  async #named(given: readonly TopicIdPartitions[], owned: readonly TopicPartition[]): Promise<TopicPartition[]> {
    const { cluster } = this.#parts
    if (given.some(({ topicId }) => cluster.metadata.nameOf(topicId) === undefined)) await cluster.refresh()
    const has = new Set(owned.map(({ topic }) => topic))
    let isWhole = true
    const named = given.flatMap(({ topicId, partitions }) => {
      const topic = cluster.metadata.nameOf(topicId)
      // What it has of a topic that was there before by this name is given up first.
      if (topic === undefined || (has.has(topic) && this.#ids.get(topic) !== topicId)) {
        isWhole = false
        return []
      }
      this.#ids.set(topic, topicId)
      return partitions.map((partition) => ({ topic, partition }))
    })
    this.#settled = isWhole ? keyOf(given) : undefined
    return named
  }
}

function keyOf(given: readonly TopicIdPartitions[]): string {
  return given
    .map(({ topicId, partitions }) => `${topicId} ${partitions.toSorted((one, other) => one - other).join()}`)
    .toSorted()
    .join(' ')
}

function placeLost(): PackedError {
  return new PackedError('The member has lost its place in the group.', { kind: 'transient' })
}

function rejectable(): { readonly promise: Promise<never>; readonly reject: (error: PackedError) => void } {
  let reject: (error: PackedError) => void = () => {}
  const promise = new Promise<never>((_, refuse) => {
    reject = refuse
  })
  // Nobody may be waiting.
  promise.catch(() => undefined)
  return { promise, reject }
}

import type { TopicPartition } from '@millrace/core'
import { Cluster } from '../cluster/cluster.ts'
import type { BrokerConnection } from '../cluster/broker-connection.ts'
import { refusal } from '../errors/protocol-codes.ts'
import { PackedError } from '../errors/packed-error.ts'
import { assign } from './assign.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './consumer-protocol.ts'
import { Coordinator } from '../cluster/coordinator.ts'
import { heartbeat, type JoinAnswer, joinGroup, leaveGroup, syncGroup } from './group-calls.ts'
import { GROUP_CODE } from './group-codes.ts'
import type { GroupMetadata } from '../wire/group-metadata.ts'
import type { ResolvedGroupOptions } from './group-options.ts'
import type { GroupRounds, RoundEvents } from './group-rounds.ts'

/** Beyond the time for which the others are waited for. */
const MARGIN_MS = 5_000
const NO_GENERATION = -1

/**
 * Rounds of a group: all members join, one of them says who gets what, and each is told. Requests to join are answered when all have joined, so they have
 * connections of their own, on which answers may take that long.
 */
export class Rounds implements GroupRounds {
  topics: readonly string[] = []
  readonly keepsPlace = false
  readonly report = undefined
  readonly #options: ResolvedGroupOptions
  readonly #events: RoundEvents
  readonly #cluster: Cluster
  #waiting: Cluster
  #coordinator: Coordinator
  #memberId = ''
  #generation = NO_GENERATION
  #isStable = false
  #isLeader = false
  #isClosed = false

  /** `cluster`: for what is answered at once. */
  constructor(cluster: Cluster, options: ResolvedGroupOptions, events: RoundEvents) {
    this.#cluster = cluster
    this.#options = options
    this.#events = events
    ;[this.#waiting, this.#coordinator] = this.#lines()
  }

  get metadata(): GroupMetadata {
    const { groupId, groupInstanceId } = this.#options
    return { groupId, groupInstanceId, memberId: this.#memberId, generation: this.#generation }
  }

  get heartbeatIntervalMs(): number {
    return this.#options.heartbeatIntervalMs
  }

  /** No round is under way, and the last one ended with an assignment. */
  get isStable(): boolean {
    return this.#isStable
  }

  get isLeader(): boolean {
    return this.#isLeader
  }

  beat(connection: BrokerConnection, member: GroupMetadata): Promise<number> {
    return heartbeat(connection, member)
  }

  farewell(): ((connection: BrokerConnection) => Promise<number>) | undefined {
    const { metadata } = this
    // A static member's partitions wait for it.
    if (metadata.memberId === '' || metadata.groupInstanceId !== undefined) return undefined
    return (connection) => leaveGroup(connection, metadata)
  }

  forget(): void {
    this.#memberId = ''
    this.dropOut()
  }

  dropOut(): void {
    this.#generation = NO_GENERATION
    this.#isStable = false
    this.#isLeader = false
  }

  abandon(): void {
    this.#waiting.close()
    if (!this.#isClosed) [this.#waiting, this.#coordinator] = this.#lines()
  }

  close(): void {
    this.#isClosed = true
    this.#waiting.close()
  }

  async run(owned: readonly TopicPartition[], reason: string): Promise<TopicPartition[] | undefined> {
    this.#isStable = false
    const joined = await this.#join(owned, reason)
    if (joined.errorCode !== 0) {
      this.#refused(joined.errorCode)
      return undefined
    }
    this.#generation = joined.generationId
    this.#isLeader = joined.leader === this.#memberId
    const { metadata } = this
    this.#events.onJoined(metadata, this.#coordinator.address)
    const assignments = this.#isLeader && !joined.skipAssignment ? await this.#assign(joined) : new Map<string, Buffer>()
    const synced = await this.#coordinator.once({
      use: (connection) => syncGroup(connection, metadata, assignments),
      codeOf: ({ errorCode }) => errorCode,
      doing: `give a member of group '${metadata.groupId}' its partitions`,
    })
    if (synced.errorCode !== 0) {
      this.#refused(synced.errorCode)
      return undefined
    }
    // Its place was lost meanwhile.
    if (metadata.generation !== this.#generation) return undefined
    this.#isStable = true
    return decodeAssignment(synced.assignment)
  }

  /** The group names a member that is new, which joins by that name then. */
  async #join(owned: readonly TopicPartition[], reason: string): Promise<JoinAnswer> {
    const { groupId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, warm } = this.#options
    const subscription = encodeSubscription({ topics: this.topics, owned, generation: this.#generation, warm: warm() })
    const joined = await this.#coordinator.once({
      use: (connection) =>
        joinGroup(connection, {
          groupId,
          groupInstanceId,
          sessionTimeoutMs,
          rebalanceTimeoutMs,
          subscription,
          memberId: this.#memberId,
          reason,
        }),
      codeOf: ({ errorCode }) => errorCode,
      doing: `let a member join group '${groupId}'`,
    })
    const { errorCode, memberId } = joined
    if (errorCode === 0 || errorCode === GROUP_CODE.memberIdRequired) this.#memberId = memberId ?? ''
    return errorCode === GROUP_CODE.memberIdRequired ? this.#join(owned, reason) : joined
  }

  #refused(code: number): void {
    const { groupId } = this.#options
    if (code === GROUP_CODE.inconsistentProtocol) {
      const others = `Members of group '${groupId}' are of another client, or of another protocol: stop them all first`
      throw new PackedError(`${others}.`, { kind: 'other', code })
    }
    this.#events.onRefused(code)
    const error = refusal(code, `let a member join group '${groupId}'`)
    // Not told by its kind, which says what is to be done about a request.
    const isKnown = ([GROUP_CODE.unknownMember, GROUP_CODE.illegalGeneration, GROUP_CODE.rebalanceInProgress] as number[]).includes(code)
    if (!isKnown && !error.retriable) throw error
  }

  /** Who gets what, as this member says that leads. */
  async #assign({ members }: JoinAnswer): Promise<Map<string, Buffer>> {
    const subscribed = members.map(({ memberId, metadata }) => ({ memberId, ...decodeSubscription(metadata ?? Buffer.alloc(0)) }))
    this.#cluster.track(subscribed.flatMap(({ topics }) => topics))
    await this.#cluster.refresh()
    const assigned = assign({
      members: subscribed,
      partitionsOf: (topic) => (this.#cluster.metadata.codeOf(topic) === 0 ? this.#cluster.metadata.partitionsOf(topic) : 0),
      coLocate: this.#options.coLocate,
    })
    return new Map([...assigned].map(([memberId, partitions]) => [memberId, encodeAssignment(partitions)]))
  }

  #lines(): [Cluster, Coordinator] {
    const { connect, rebalanceTimeoutMs, groupId, clock } = this.#options
    const waiting = new Cluster({ ...connect, requestTimeoutMs: rebalanceTimeoutMs + MARGIN_MS }, clock)
    return [waiting, new Coordinator(waiting, { type: 'group', name: groupId, clock })]
  }
}

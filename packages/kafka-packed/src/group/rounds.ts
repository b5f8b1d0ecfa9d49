import type { TopicPartition } from '@millrace/core'
import type { BrokerConnection } from '../cluster/broker-connection.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { refusal } from '../errors/protocol-codes.ts'
import { PackedError } from '../errors/packed-error.ts'
import { assign } from './assign.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './consumer-protocol.ts'
import type { Coordinator, CoordinatorCall } from '../cluster/coordinator.ts'
import { heartbeat, type JoinAnswer, joinGroup, leaveGroup, syncGroup } from './group-calls.ts'
import { GROUP_CODE } from './group-codes.ts'
import type { GroupMetadata } from '../wire/group-metadata.ts'
import type { ResolvedGroupOptions } from './group-options.ts'
import type { GroupRounds, RoundEvents, RoundParts } from './group-rounds.ts'
import { JoinLine } from './join-line.ts'
import { partitionCounts } from './partition-counts.ts'

/** Beyond the time for which the others are waited for. */
const MARGIN_MS = 5_000
const NO_GENERATION = -1

/** Rounds of a group: all members join, one of them says who gets what, and each is told. */
export class Rounds implements GroupRounds {
  topics: readonly string[] = []
  readonly report = undefined
  readonly #options: ResolvedGroupOptions
  readonly #events: RoundEvents
  readonly #cluster: Cluster
  readonly #coordinator: Coordinator
  readonly #line: JoinLine
  #memberId = ''
  #generation = NO_GENERATION
  #isStable = false
  #isLeader = false
  #isJoining = false
  /** It has asked for a name. */
  #isNaming = false
  #isRetired = false
  /** Another one each time: what a round that was given up still learns is of no use. */
  #round = {}
  #giveUp: (error: PackedError) => void = () => {}

  constructor({ cluster, coordinator, options, events }: RoundParts) {
    this.#cluster = cluster
    this.#coordinator = coordinator
    this.#options = options
    this.#events = events
    this.#line = new JoinLine(options.connect, options.rebalanceTimeoutMs + MARGIN_MS)
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

  get isJoining(): boolean {
    return this.#isJoining
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
    this.#isJoining = false
    this.abandon()
  }

  abandon(): void {
    this.#round = {}
    this.#line.hangUp()
    this.#giveUp(givenUp())
  }

  retire(): void {
    this.#isRetired = true
    // Brokers name a member at once, and let its group wait for it from then on until its session is over, or it leaves by that name.
    if (!this.#isNaming) this.abandon()
  }

  unheard(): void {
    // Nothing is lost by joining again.
    this.abandon()
  }

  close(): void {
    this.abandon()
  }

  async run(owned: readonly TopicPartition[], reason: string): Promise<TopicPartition[] | undefined> {
    this.#isStable = false
    const end = new Promise<never>((_resolve, reject) => {
      this.#giveUp = reject
    })
    const round = (this.#round = {})
    this.#isJoining = true
    return Promise.race([this.#run(round, owned, reason), end])
  }

  async #run(round: object, owned: readonly TopicPartition[], reason: string): Promise<TopicPartition[] | undefined> {
    const joined = await this.#join(round, owned, reason)
    this.#isJoining = false
    if (joined.errorCode !== 0) {
      this.#refused(joined.errorCode)
      return undefined
    }
    this.#generation = joined.generationId
    this.#isLeader = joined.leader === this.#memberId
    const { metadata } = this
    this.#events.onJoined(metadata, this.#coordinator.address)
    // The leader is a static member that came back: what each has stays as it is.
    const assignments = this.#isLeader && !joined.skipAssignment ? await this.#assign(joined) : new Map<string, Buffer>()
    const synced = await this.#ask(round, {
      use: (connection) => syncGroup(connection, metadata, assignments),
      codeOf: ({ errorCode }) => errorCode,
      doing: `give a member of group '${metadata.groupId}' its partitions`,
    })
    if (synced.errorCode !== 0) {
      this.#refused(synced.errorCode)
      return undefined
    }
    const { partitions, standbys, counts } = readable('an assignment', () => decodeAssignment(synced.assignment))
    this.#isStable = true
    if (this.#isLeader) this.#events.onLeading(counts)
    this.#events.onStandbys(standbys)
    return partitions
  }

  /** The group names a member that is new, which joins by that name then. */
  async #join(round: object, owned: readonly TopicPartition[], reason: string): Promise<JoinAnswer> {
    const { groupId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, warm, standbys } = this.#options
    const subscription = encodeSubscription({ topics: this.topics, owned, generation: this.#generation, warm: warm(), standbys })
    this.#events.onJoining(this.metadata, this.#coordinator.address)
    try {
      const joined = await this.#ask(round, {
        use: (connection) => {
          const memberId = this.#memberId
          // A static member has a name, and is answered when all have joined.
          this.#isNaming = memberId === '' && groupInstanceId === undefined
          return joinGroup(connection, { groupId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, subscription, memberId, reason })
        },
        codeOf: ({ errorCode }) => errorCode,
        doing: `let a member join group '${groupId}'`,
      })
      const { errorCode, memberId } = joined
      if (errorCode === 0 || errorCode === GROUP_CODE.memberIdRequired) this.#memberId = memberId ?? ''
      if (this.#isRetired) throw givenUp()
      if (errorCode !== GROUP_CODE.memberIdRequired) return joined
    } finally {
      this.#isNaming = false
    }
    return this.#join(round, owned, reason)
  }

  /** Of the coordinator, which may take as long as the others do. Rejects when the round was given up before it is asked, or meanwhile. */
  async #ask<T>(round: object, call: Omit<CoordinatorCall<T>, 'patienceMs'>): Promise<T> {
    const ask = ({ address }: BrokerConnection): Promise<T> => {
      this.#check(round)
      return this.#line.ask(address, call.use)
    }
    const answer = await this.#coordinator.once({ ...call, use: ask })
    this.#check(round)
    return answer
  }

  #check(round: object): void {
    if (round !== this.#round) throw givenUp()
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
    const subscribed = members.map(({ memberId, metadata }) => ({
      memberId,
      ...readable('what a member of the group told', () => decodeSubscription(metadata ?? Buffer.alloc(0))),
    }))
    this.#cluster.track(subscribed.flatMap(({ topics }) => topics))
    await this.#cluster.refresh()
    const counts = partitionCounts(subscribed, this.#cluster.metadata)
    const assigned = assign({ members: subscribed, partitionsOf: (topic) => counts.get(topic) ?? 0, coLocate: this.#options.coLocate })
    return new Map([...assigned].map(([memberId, one]) => [memberId, encodeAssignment({ ...one, counts })]))
  }
}

function givenUp(): PackedError {
  return new PackedError('The rebalance was given up.', { kind: 'transient' })
}

function readable<T>(what: string, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    throw new PackedError(`${what} can't be read: ${(error as Error).message}.`, { kind: 'malformed', cause: error })
  }
}

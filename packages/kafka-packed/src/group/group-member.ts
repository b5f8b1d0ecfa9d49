import { partitionKey, type TopicPartition } from '@millrace/core'
import { backoffMs } from '../cluster/backoff.ts'
import { Cluster } from '../cluster/cluster.ts'
import { PackedError } from '../errors/packed-error.ts'
import { refusal } from '../errors/protocol-codes.ts'
import { Coordinator } from '../cluster/coordinator.ts'
import { FORGOTTEN, GROUP_CODE, MOVED_ON, PUT_OUT } from './group-codes.ts'
import { type CommittingMember, GroupOffsets } from './group-offsets.ts'
import type { GroupMetadata } from '../wire/group-metadata.ts'
import { type GroupHooks, type GroupOptions, type ResolvedGroupOptions, resolveGroupOptions } from './group-options.ts'
import { Heartbeats } from './heartbeats.ts'
import { nothing, type PlaceHolder, PlaceUse } from './place-use.ts'
import type { PositionCommit } from '../read/read-position.ts'
import type { GroupRounds } from './group-rounds.ts'
import { roundsFor } from './rounds-for.ts'
import { settled } from './settled.ts'
import { TopicWatch } from './topic-watch.ts'

/** How long a member that is closed tries to tell its group, in milliseconds. */
const LEAVE_MS = 3_000
/** How long it waits for a rebalance that is under way, to commit with its place in the next generation, in milliseconds. */
const LAST_ROUND_MS = 10_000
/** Rebalances in a row of which something can't be read before the membership is over: one may have been damaged on its way. */
const MALFORMED_ROUNDS = 3

/**
 * A member of a consumer group: what it keeps it reads on, while others move. By the classic protocol, in its cooperative form, the assignment is our own: even,
 * everything where it is, what moves where its state is, topics side by side where asked. By KIP-848 the brokers assign. Offsets are committed and looked up here, too.
 *
 * @example
 * ```ts
 * import { GroupMember } from '@millrace/kafka-packed'
 *
 * const member = await GroupMember.open(
 *   { brokers: [{ host: 'localhost', port: 9092 }], groupId: 'orders' },
 *   {
 *     onAssigned: (partitions) => console.log('have', partitions),
 *     onRevoked: async (partitions) => console.log('let go', partitions),
 *     onLost: (partitions) => console.log('lost', partitions),
 *     onFailed: (error) => console.error(error.message),
 *   },
 * )
 * member.subscribe(['lines'])
 * ```
 */
export class GroupMember implements AsyncDisposable {
  readonly #options: ResolvedGroupOptions
  readonly #hooks: GroupHooks
  readonly #cluster: Cluster
  readonly #coordinator: Coordinator
  readonly #offsets: GroupOffsets
  readonly #rounds: GroupRounds
  readonly #watch: TopicWatch
  #heartbeats: Heartbeats | undefined
  readonly #owned = new Map<string, TopicPartition>()
  /** Counts how often everything was lost. */
  #losses = 0
  #lostHooks: Promise<void> = Promise.resolve()
  #life: Promise<void> | undefined
  /** Why there is to be another rebalance. */
  #wants: string | undefined
  #wake: () => void = () => {}
  readonly #place: PlaceUse
  #malformed = 0
  #isLeaving = false
  /** It has left, or is about to: there is no other rebalance for it. */
  #hasJoinedLast = false
  #isOver = false
  #closing: Promise<void> | undefined
  /** Until then what is given up can be committed. */
  #isClosed = false

  /** Connects to the first broker that answers; joins when it {@link subscribe}s. Rejects with a {@link PackedError}. */
  static async open(options: GroupOptions, hooks: GroupHooks): Promise<GroupMember> {
    const member = new GroupMember(resolveGroupOptions(options), hooks)
    try {
      await member.#cluster.refresh()
    } catch (error) {
      await member.close()
      throw error
    }
    return member
  }

  private constructor(options: ResolvedGroupOptions, hooks: GroupHooks) {
    const { connect, groupId, clock } = options
    this.#options = options
    this.#hooks = hooks
    this.#cluster = new Cluster(connect, clock)
    this.#coordinator = new Coordinator(this.#cluster, { type: 'group', name: groupId, clock })
    const parts = { cluster: this.#cluster, coordinator: this.#coordinator, clock, patienceMs: connect.requestTimeoutMs }
    this.#offsets = new GroupOffsets(parts)
    this.#rounds = roundsFor({
      ...parts,
      options,
      member: {
        owned: () => this.assignment(),
        inUse: () => this.#place.inUse,
        toldEpoch: () => this.#heartbeats?.toldEpoch ?? 0,
      },
      events: {
        onStandbys: (partitions) => hooks.onStandbys?.(partitions),
        onChanged: () => this.#want('the group rebalances'),
        onSettled: () => this.#place.roundEnded(),
        onJoining: (member, address) => this.#heartbeats?.goOn(member, address),
        onJoined: (member, address) => {
          this.#heartbeats?.start(member, address)
          this.#watch.expected = new Map()
        },
        onLeading: (counts) => {
          this.#watch.expected = counts
        },
        onRefused: (code) => this.#refused(code),
      },
    })
    this.#place = new PlaceUse(this.#asHolder(), clock)
    this.#watch = new TopicWatch(this.#cluster, options.topicsMaxAgeMs, {
      onMissing: (topics) => hooks.onMissing?.(topics),
      onChanged: () => {
        if (this.#rounds.isLeader) this.#want('topics have other partitions')
      },
    })
  }

  /** This member's place in the group, to fence transactions with. */
  get metadata(): GroupMetadata {
    return this.#rounds.metadata
  }

  /** What it has now; what is being revoked included. */
  assignment(): TopicPartition[] {
    return [...this.#owned.values()]
  }

  /** Joins the group, or changes what is read in it. */
  subscribe(topics: readonly string[]): void {
    this.#check()
    if (this.#isLeaving) throw new PackedError('The member has left its group.', { kind: 'closed' })
    this.#rounds.topics = topics
    this.#watch.topics = topics
    this.#want('topics were subscribed')
    if (this.#life !== undefined) return
    this.#heartbeats = new Heartbeats({
      coordinator: this.#coordinator,
      rounds: this.#rounds,
      options: this.#options,
      events: {
        onCode: (code) => this.#refused(code),
        onSilence: (error) => {
          if (error.retriable) this.#lose()
          else this.#fail(error)
        },
        onStandInLost: (error) => this.#hooks.onStandInLost?.(error),
      },
    })
    this.#life = this.#live()
  }

  /**
   * Resolves when all are committed, one commit behind the other. Who never subscribed commits for a group that nobody is in. A group that rebalances is waited
   * for, and then the offsets are committed if their partitions are still here. Rejects with a {@link PackedError} that has the code of what was refused: 22 and
   * 25 are those of a member that has lost its place.
   */
  commit(offsets: readonly PositionCommit[]): Promise<void> {
    this.#check()
    const losses = this.#losses
    const member = this.#committing(offsets)
    return this.#place.inTurn(() => {
      // Meanwhile it may have come back, or given them up, and another have what it had.
      const isHere = losses === this.#losses && (this.#life === undefined || this.#hasAll(offsets))
      if (!isHere) throw refusal(GROUP_CODE.unknownMember, 'commit offsets of partitions that others may have')
      return this.#offsets.commit(member, this.#options.groupId, offsets)
    })
  }

  /**
   * Runs `use` with this member's place in the group, as transactions are fenced by it: no rebalance changes it meanwhile, since one that is under way is waited
   * for, and the next one waits (by KIP-848 for no more than a third of a session: then the place may change, and the transaction fail). After `patienceMs` milliseconds (default: `requestTimeoutMs`) it is run with the place from before that rebalance, which the
   * group takes until all have joined again. Rejects with a {@link PackedError} of code 25 when a partition of `offsets` is not here any more.
   */
  inPlace<T>(
    offsets: readonly TopicPartition[],
    use: (place: GroupMetadata) => Promise<T>,
    patienceMs: number = this.#options.connect.requestTimeoutMs,
  ): Promise<T> {
    return this.#place.inPlace(offsets, use, patienceMs)
  }

  /** Committed offsets, with the epochs of the records before as far as they were committed; partitions without one are left out. `requireStable`: waits until no transaction holds them. */
  committed(partitions: readonly TopicPartition[], requireStable: boolean): Promise<PositionCommit[]> {
    this.#check()
    const { groupId, groupProtocol } = this.#options
    // Of what others have it may be asked without a place, too.
    const member = groupProtocol === 'consumer' && this.#hasAll(partitions) ? this.#committing(partitions) : undefined
    return this.#offsets.committed({ groupId, member }, { partitions, requireStable })
  }

  #committing(offsets: readonly TopicPartition[]): CommittingMember {
    const losses = this.#losses
    let wasStable = false
    return {
      metadata: () => {
        wasStable = this.#rounds.isStable
        return this.metadata
      },
      refused: (code, from, until) => this.#place.mayPass({ code, from, wasStable, until, offsets, losses }),
    }
  }

  /** Gives up everything, by `onRevoked`, and leaves. Resolves when the group has heard, or could not be told for some time. */
  async leave(): Promise<void> {
    this.#isLeaving = true
    const hasNothing = this.#owned.size === 0
    // A first request to join may be held back by others for long, and is not missed. One that has partitions commits with its place in the next round.
    if (hasNothing) this.#rounds.retire()
    this.#wake()
    // A broker that does not answer must not be waited for as long as a rebalance may take.
    const cancel = this.#options.clock.after(hasNothing ? LEAVE_MS : LAST_ROUND_MS, () => this.#rounds.abandon())
    await this.#life
    cancel()
  }

  /** Leaves, and gives up all connections. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await this.leave()
    this.#isClosed = true
    this.#watch.close()
    this.#rounds.close()
    this.#cluster.close()
    await this.#heartbeats?.close()
  }

  /** From the first subscription until it has left. Never rejects. */
  async #live(): Promise<void> {
    for (let failures = 0; !this.#isLeaving && !this.#isOver;) {
      let hooks: Promise<void>
      // Meanwhile its place may have come into use again, or have been lost: the round begins in the very turn in which all is quiet.
      do {
        hooks = this.#lostHooks
        await Promise.all([hooks, this.#place.inUse])
      } while (hooks !== this.#lostHooks || this.#place.inUse !== undefined)
      if (this.#isLeaving || this.#isOver) break
      const reason = this.#wants ?? ''
      this.#wants = undefined
      const assigned = await this.#round(reason)
      this.#place.roundEnded()
      failures = assigned === undefined ? failures + 1 : 0
      if (assigned === undefined) await this.#again(reason, failures)
      else if (!this.#isLeaving) await this.#take(assigned)
      await this.#wanted()
    }
    this.#hasJoinedLast = true
    this.#place.roundEnded()
    await this.#leave()
  }

  /** Undefined: there has to be another one. */
  async #round(reason: string): Promise<TopicPartition[] | undefined> {
    const losses = this.#losses
    try {
      const assigned = await this.#rounds.run([...this.#owned.values()], reason)
      this.#malformed = 0
      return losses === this.#losses ? assigned : undefined
    } catch (error) {
      const { kind, retriable } = error as PackedError
      this.#malformed = kind === 'malformed' ? this.#malformed + 1 : 0
      const mayPass = retriable || (kind === 'malformed' && this.#malformed < MALFORMED_ROUNDS)
      if (!this.#isLeaving && !mayPass) this.#fail(error as PackedError)
      return undefined
    }
  }

  async #again(reason: string, failures: number): Promise<void> {
    this.#want(reason)
    if (!this.#isLeaving) await this.#cluster.delay(backoffMs(failures))
  }

  async #take(assigned: readonly TopicPartition[]): Promise<void> {
    const next = new Map(assigned.map((one) => [partitionKey(one.topic, one.partition), one]))
    const revoked = [...this.#owned].filter(([key]) => !next.has(key)).map(([, one]) => one)
    if (revoked.length > 0 && !(await this.#revoke(revoked))) return
    const added = [...next].filter(([key]) => !this.#owned.has(key))
    for (const [key, one] of added) this.#owned.set(key, one)
    this.#heartbeats?.update()
    // Not waited for: the group need not wait for what this member does with them.
    void settled(() => this.#hooks.onAssigned(added.map(([, one]) => one)))
    if (revoked.length > 0) this.#want('partitions were given up')
  }

  /** False: they were lost meanwhile, and everything else. */
  async #revoke(partitions: readonly TopicPartition[]): Promise<boolean> {
    const losses = this.#losses
    await settled(() => this.#hooks.onRevoked(partitions))
    if (losses !== this.#losses) return false
    for (const { topic, partition } of partitions) this.#owned.delete(partitionKey(topic, partition))
    return true
  }

  async #leave(): Promise<void> {
    const owned = [...this.#owned.values()]
    if (owned.length > 0) {
      this.#heartbeats?.goOn(this.metadata, this.#coordinator.address)
      await this.#revoke(owned)
    }
    await this.#lostHooks
    this.#heartbeats?.stop()
    const farewell = this.#rounds.farewell()
    this.#rounds.forget()
    if (farewell === undefined) return
    const call = { use: farewell, codeOf: (code: number) => code, doing: 'let a member go', patienceMs: LEAVE_MS }
    // The group will notice by itself.
    await Promise.race([this.#coordinator.answer(call).catch(() => undefined), this.#cluster.delay(LEAVE_MS)])
  }

  /** What the group says of this member. */
  #refused(code: number): void {
    const { illegalGeneration, memberIdRequired, fencedInstance } = GROUP_CODE
    // Until it has the answer it may have another generation already; and one that has nothing learns all there is from the answer.
    if (this.#rounds.isJoining && (code === illegalGeneration || this.#owned.size === 0)) return
    if (MOVED_ON.has(code)) {
      if (this.#rounds.isStable) this.#want('the group rebalances')
    } else if (PUT_OUT.has(code)) {
      if (FORGOTTEN.has(code)) this.#rounds.forget()
      this.#lose()
    } else if (code === fencedInstance) {
      const name = `Another member of group '${this.#options.groupId}' has the name '${this.#options.groupInstanceId}'`
      this.#fail(new PackedError(`${name}: give each a name of its own.`, { kind: 'other', code }))
    } else if (code !== memberIdRequired) {
      const error = refusal(code, `have a member in group '${this.#options.groupId}'`)
      if (!error.retriable) this.#fail(error)
    }
  }

  /** What it had may be with others. */
  #lose(): void {
    if (this.#isLeaving && this.#owned.size === 0) return
    this.#losses++
    // Before the thread that stands in is dismissed: it may have been told a newer epoch.
    this.#rounds.dropOut()
    this.#heartbeats?.stop()
    if (this.#heartbeats?.takeBusy() === true) this.#hooks.onBusy?.()
    const lost = [...this.#owned.values()]
    this.#owned.clear()
    if (lost.length > 0) this.#lostHooks = Promise.all([this.#lostHooks, settled(() => this.#hooks.onLost(lost))]).then(nothing)
    this.#want('its place in the group was lost')
    this.#place.roundEnded()
  }

  #fail(error: PackedError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#lose()
    this.#rounds.forget()
    this.#hooks.onFailed(error)
  }

  #asHolder(): PlaceHolder {
    return {
      metadata: () => this.metadata,
      isStable: () => this.#rounds.isStable,
      mayJoin: () => this.#life !== undefined && !this.#hasJoinedLast && !this.#isOver,
      losses: () => this.#losses,
      hasAll: (partitions) => this.#hasAll(partitions),
      refused: (code) => this.#refused(code),
    }
  }

  #hasAll(partitions: readonly TopicPartition[]): boolean {
    return partitions.every(({ topic, partition }) => this.#owned.has(partitionKey(topic, partition)))
  }

  #want(reason: string): void {
    this.#wants ??= reason
    this.#wake()
  }

  async #wanted(): Promise<void> {
    while (this.#wants === undefined && !this.#isLeaving && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #check(): void {
    if (this.#isClosed) throw new PackedError('The member has been closed.', { kind: 'closed' })
  }
}

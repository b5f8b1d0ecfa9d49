import { partitionKey, type Clock, type RebalanceListener, type StartPosition, type TopicPartition } from '@millrace/core'
import { Signal } from '../internal/signal.ts'
import { matchesTopic } from '../internal/topic-patterns.ts'
import type { Group } from './group.ts'

/** What a member does with its partitions, besides telling the listener. */
export interface MemberReader {
  /** Starts reading. */
  add(positions: readonly StartPosition[]): void
  /** Stops reading. */
  remove(partitions: readonly TopicPartition[]): void
  /** A hook failed: the next poll is to say so. */
  fail(error: unknown): void
}

export interface GroupMemberOptions {
  readonly group: Group
  readonly clientId: string
  readonly coLocate: boolean
  readonly patterns: readonly (string | RegExp)[]
  readonly listener: RebalanceListener
  readonly reader: MemberReader
  readonly clock: Clock
  /** How long `onRevoked` may take before the member is put out of its group. */
  readonly rebalanceTimeoutMs: number
}

/**
 * A member of a group: one loop that brings what it owns in line with its target, calling one hook at a time. It first gives up what is to
 * go, then takes what is free; what others still own it takes once they have let go.
 */
export class GroupMember {
  readonly clientId: string
  readonly coLocate: boolean
  readonly #options: GroupMemberOptions
  readonly #group: Group
  readonly #changed = new Signal()
  readonly #owned = new Map<string, TopicPartition>()
  #target: ReadonlyMap<string, TopicPartition> = new Map()
  /** Taken away without asking; `onLost` is still to be called for them. */
  #lost: TopicPartition[] = []
  /** `onRevoked` is running for these. */
  #revoking: ReadonlySet<string> = new Set()
  #expelled = false
  #leaving = false
  /** An assignment has been made that `onAssigned` has not been told of. */
  #hasNews = false
  #loop: Promise<void> | undefined

  constructor(options: GroupMemberOptions) {
    this.#options = options
    this.#group = options.group
    this.clientId = options.clientId
    this.coLocate = options.coLocate
  }

  get target(): ReadonlyMap<string, TopicPartition> {
    return this.#target
  }

  owned(): readonly TopicPartition[] {
    return [...this.#owned.values()]
  }

  reads(topic: string): boolean {
    return matchesTopic(this.#options.patterns, topic)
  }

  join(): void {
    this.#group.join(this)
    this.#loop = this.#run()
  }

  retarget(partitions: readonly TopicPartition[]): void {
    this.#target = new Map(partitions.map((at) => [partitionKey(at.topic, at.partition), at]))
    this.#hasNews = true
    this.wake()
  }

  wake(): void {
    this.#changed.wake()
  }

  /** Puts the member out of its group as if its session had ended; it joins again when `onLost` has been served. */
  expel(): void {
    if (this.#expelled) return
    this.#expelled = true
    this.#target = new Map()
    this.#lose(this.owned())
    this.#group.leave(this)
  }

  /** The topic has been deleted: its partitions are gone. */
  forgetTopic(topic: string): void {
    this.#target = new Map([...this.#target].filter(([, at]) => at.topic !== topic))
    this.#lose(this.owned().filter((at) => at.topic === topic))
  }

  #lose(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) {
      const key = partitionKey(at.topic, at.partition)
      if (this.#owned.delete(key) && !this.#revoking.has(key)) this.#lost.push(at)
    }
    this.#options.reader.remove(partitions)
    this.#group.release(this, partitions)
    this.wake()
  }

  /** Gives up everything, after `onRevoked`, and leaves the group. */
  async leave(): Promise<void> {
    if (!this.#leaving) {
      this.#leaving = true
      this.#group.leave(this)
      this.wake()
    }
    await this.#loop
  }

  async #run(): Promise<void> {
    for (;;) {
      if (this.#lost.length > 0) await this.#serveLost()
      else if (this.#expelled && !this.#leaving) this.#rejoin()
      else if (this.#toRevoke().length > 0) await this.#revoke(this.#toRevoke())
      else if (this.#leaving) return
      // A new assignment is announced even where it brings nothing; partitions that others free later only when they come.
      else if (this.#hasNews || this.#toAssign().length > 0) await this.#assign(this.#toAssign())
      else await this.#changed.wait()
    }
  }

  #rejoin(): void {
    this.#expelled = false
    try {
      this.#group.join(this)
    } catch (error) {
      // Members of another kind have taken over the group meanwhile.
      this.#leaving = true
      this.#options.reader.fail(error)
    }
  }

  #toRevoke(): readonly TopicPartition[] {
    return this.owned().filter(({ topic, partition }) => this.#leaving || !this.#target.has(partitionKey(topic, partition)))
  }

  #toAssign(): readonly TopicPartition[] {
    return [...this.#target.values()].filter((at) => !this.#owned.has(partitionKey(at.topic, at.partition)) && this.#group.isFree(at))
  }

  async #serveLost(): Promise<void> {
    const lost = this.#lost
    this.#lost = []
    await this.#serve(() => this.#options.listener.onLost(lost))
  }

  async #revoke(partitions: readonly TopicPartition[]): Promise<void> {
    const { clock, listener, reader, rebalanceTimeoutMs } = this.#options
    this.#revoking = new Set(partitions.map((at) => partitionKey(at.topic, at.partition)))
    reader.remove(partitions)
    const cancel = clock.after(rebalanceTimeoutMs, () => this.expel())
    await this.#serve(() => listener.onRevoked(partitions))
    cancel()
    for (const key of this.#revoking) this.#owned.delete(key)
    this.#revoking = new Set()
    this.#group.release(this, partitions)
  }

  async #assign(partitions: readonly TopicPartition[]): Promise<void> {
    this.#hasNews = false
    this.#group.take(this, partitions)
    for (const at of partitions) this.#owned.set(partitionKey(at.topic, at.partition), at)
    await this.#serve(async () => {
      const positions = await this.#options.listener.onAssigned(partitions)
      this.#options.reader.add(this.#startPositions(partitions, positions))
    })
  }

  /** The positions of what is still ours: partitions may have been lost while the hook was running. */
  #startPositions(partitions: readonly TopicPartition[], positions: readonly StartPosition[]): readonly StartPosition[] {
    const given = new Map(positions.map((position) => [partitionKey(position.topic, position.partition), position]))
    const kept: StartPosition[] = []
    for (const { topic, partition } of partitions) {
      const key = partitionKey(topic, partition)
      const position = given.get(key)
      if (position === undefined) throw new TypeError(`onAssigned gave no start position for ${topic}-${partition}.`)
      if (this.#owned.has(key)) kept.push(position)
    }
    return kept
  }

  async #serve(hook: () => Promise<void>): Promise<void> {
    try {
      await hook()
    } catch (error) {
      this.#options.reader.fail(error)
    }
  }
}

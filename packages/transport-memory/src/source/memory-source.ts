import {
  MillraceError,
  type OffsetCommit,
  type PollResult,
  type RebalanceListener,
  type RecordSource,
  type RecordSourceOptions,
  type TopicPartition,
  type TopicPartitionOffset,
} from '@millrace/core'
import { checkOffsets } from '../group/group-offsets.ts'
import type { Group } from '../group/group.ts'
import { GroupMember } from '../group/group-member.ts'
import { closed } from '../internal/errors.ts'
import { nextTurn } from '../internal/next-turn.ts'
import { Signal } from '../internal/signal.ts'
import type { EmbeddedLog } from '../log/embedded-log.ts'
import { PartitionReader } from './partition-reader.ts'

const NOTHING: PollResult = Object.freeze({ batches: Object.freeze([]), ends: Object.freeze([]) })
const DEFAULT_MAX_POLL_RECORDS = 10_000

/** Reads the embedded log; see {@link RecordSource}. */
export class MemorySource implements RecordSource {
  readonly #log: EmbeddedLog
  readonly #options: RecordSourceOptions
  readonly #group: Group | undefined
  readonly #arrival = new Signal()
  readonly #reader: PartitionReader
  readonly #onClosed: () => void
  #member: GroupMember | undefined
  #failure: { readonly error: unknown } | undefined
  #polling = false
  #closing: Promise<void> | undefined
  /** Closed, and `onRevoked` has been served: nothing more can be committed. */
  #left = false

  constructor(log: EmbeddedLog, options: RecordSourceOptions, onClosed: () => void) {
    this.#log = log
    this.#options = options
    this.#onClosed = onClosed
    this.#group = options.groupId === undefined ? undefined : log.group(options.groupId)
    this.#reader = new PartitionReader(log.topics, options.isolation, this.#arrival)
  }

  get clientId(): string {
    return this.#options.clientId
  }

  get groupId(): string | undefined {
    return this.#options.groupId
  }

  reads(log: EmbeddedLog): boolean {
    return this.#log === log
  }

  async subscribe(topics: readonly (string | RegExp)[], listener: RebalanceListener): Promise<void> {
    this.#checkOpen()
    const group = this.#requireGroup('subscribe')
    if (this.#member !== undefined) throw new TypeError(`'${this.clientId}' has subscribed already.`)
    this.#member = new GroupMember({
      group,
      listener,
      clientId: this.clientId,
      coLocate: this.#options.coLocate ?? false,
      patterns: topics,
      clock: this.#log.clock,
      rebalanceTimeoutMs: this.#log.rebalanceTimeoutMs,
      reader: {
        add: (positions) => this.#reader.add(positions),
        remove: (partitions) => this.#reader.remove(partitions),
        fail: (error) => this.#fail(error),
      },
    })
    this.#member.join()
  }

  async assign(positions: readonly TopicPartitionOffset[]): Promise<void> {
    this.#checkOpen()
    if (this.#member !== undefined) throw new TypeError(`'${this.clientId}' has subscribed: its group assigns its partitions.`)
    for (const position of positions) this.#log.topics.requirePartition(position, 'source')
    this.#reader.clear()
    this.#reader.add(positions)
  }

  async poll(maxWaitMs: number): Promise<PollResult> {
    if (this.#polling) throw new TypeError(`'${this.clientId}' is polled already: one poll at a time.`)
    this.#polling = true
    try {
      this.#checkOpen()
      const until = this.#log.clock.monotonic() + maxWaitMs
      await this.#log.faults.before({ type: 'poll', clientId: this.clientId })
      await nextTurn()
      return await this.#read(until)
    } finally {
      this.#polling = false
    }
  }

  async #read(until: number): Promise<PollResult> {
    const { clock } = this.#log
    for (;;) {
      if (this.#closing !== undefined) return NOTHING
      this.#throwFailure()
      const found = this.#reader.collect(this.#options.maxPollRecords ?? DEFAULT_MAX_POLL_RECORDS)
      if (found.batches.length > 0 || found.ends.length > 0) return this.#log.handOut(found)
      const ms = until - clock.monotonic()
      if (ms <= 0) return NOTHING
      await this.#arrival.wait({ clock, ms })
    }
  }

  async seek(positions: readonly TopicPartitionOffset[]): Promise<void> {
    this.#checkOpen()
    await this.#log.faults.before({ type: 'seek', clientId: this.clientId, positions })
    const [missing] = this.#reader.seek(positions)
    // A poll that had read already may be about to resolve: by the next turn it has.
    await nextTurn()
    if (missing === undefined) return
    const message = `'${this.clientId}' can't seek in ${missing.topic}-${missing.partition}: it is not assigned.`
    throw new MillraceError('NOT_ASSIGNED', message, { stage: 'source', ...missing })
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#reader.setPaused(partitions, true)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#reader.setPaused(partitions, false)
  }

  async commit(offsets: readonly OffsetCommit[]): Promise<void> {
    const group = this.#requireGroup('commit')
    this.#checkNotLeft()
    checkOffsets(offsets)
    const operation = { type: 'commit', clientId: this.clientId, groupId: group.id, offsets } as const
    await this.#log.faults.before(operation)
    group.checkMayCommit(this.#member, offsets)
    this.#log.commitOffsets(group, offsets)
    await this.#log.faults.after(operation)
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly OffsetCommit[]> {
    const group = this.#requireGroup('read committed offsets')
    this.#checkNotLeft()
    await this.#log.faults.before({ type: 'committed', clientId: this.clientId, groupId: group.id, partitions })
    await group.offsets.stable(partitions)
    return group.offsets.of(partitions)
  }

  assignment(): readonly TopicPartition[] {
    return this.#member === undefined ? this.#reader.partitions() : this.#member.owned()
  }

  /** The group this source commits to, after checking that it may commit these offsets; for a transaction. */
  authorize(offsets: readonly OffsetCommit[]): Group {
    const group = this.#requireGroup('send offsets')
    this.#checkNotLeft()
    checkOffsets(offsets)
    group.checkMayCommit(this.#member, offsets)
    return group
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#arrival.wake()
    const earlier = this.#failure
    this.#failure = undefined
    try {
      await this.#member?.leave()
    } finally {
      this.#left = true
      this.#reader.clear()
      this.#onClosed()
    }
    // Nobody polls any more: a revoke hook that failed meanwhile is told here; what failed before and was never polled for, as well.
    this.#failure ??= earlier
    this.#throwFailure()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#arrival.wake()
  }

  #throwFailure(): void {
    const failure = this.#failure
    if (failure === undefined) return
    this.#failure = undefined
    throw failure.error
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw closed('source', `source '${this.clientId}'`)
  }

  #checkNotLeft(): void {
    if (this.#left) throw closed('commit', `source '${this.clientId}'`)
  }

  #requireGroup(what: string): Group {
    if (this.#group === undefined) throw new TypeError(`'${this.clientId}' has no group: it can't ${what}.`)
    return this.#group
  }
}

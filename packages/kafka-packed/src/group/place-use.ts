import type { Clock, TopicPartition } from '@millrace/core'
import { refusal } from '../errors/protocol-codes.ts'
import type { GroupMetadata } from '../wire/group-metadata.ts'
import { GROUP_CODE, OF_PLACE } from './group-codes.ts'

/** A member, as those who commit with its place in the group see it. */
export interface PlaceHolder {
  readonly metadata: () => GroupMetadata
  /** It has its place, and no rebalance is under way that it takes part in. */
  readonly isStable: () => boolean
  /** There may be another rebalance for it: it has subscribed, and neither leaves nor has failed. */
  readonly mayJoin: () => boolean
  /** Counts how often everything was lost. */
  readonly losses: () => number
  readonly hasAll: (partitions: readonly TopicPartition[]) => boolean
  /** The group has said so of its place now. */
  readonly refused: (code: number) => void
}

/** A commit that was refused. */
export interface RefusedCommit {
  readonly code: number
  readonly from: GroupMetadata
  /** Whether no rebalance was under way when it was sent: else that one's end may give it the place, or make usable the one that it had. */
  readonly wasStable: boolean
  /** On the monotonic clock. */
  readonly until: number
  readonly offsets: readonly TopicPartition[]
  /** Of {@link PlaceHolder.losses}, when it was asked for. */
  readonly losses: number
}

/** What is done with a member's place in its group, which rebalances change: they wait for it, and it for them. */
export class PlaceUse {
  readonly #holder: PlaceHolder
  readonly #clock: Clock
  readonly #waiting = new Set<() => void>()
  #used: Promise<void> | undefined
  #committed: Promise<void> = Promise.resolve()

  constructor(holder: PlaceHolder, clock: Clock) {
    this.#holder = holder
    this.#clock = clock
  }

  /** Resolves when nobody uses the place any more; undefined: nobody does. */
  get inUse(): Promise<void> | undefined {
    return this.#used
  }

  /** A round has ended, or there will be none. */
  roundEnded(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  /** Runs `commit` when the one before it has ended: tried again, an older one must not put a newer one back. */
  async inTurn(commit: () => Promise<void>): Promise<void> {
    const done = this.#committed.then(commit)
    this.#committed = done.then(nothing, nothing)
    return done
  }

  /** See `GroupMember.inPlace`. */
  async inPlace<T>(partitions: readonly TopicPartition[], use: (place: GroupMetadata) => Promise<T>, patienceMs: number): Promise<T> {
    const holder = this.#holder
    const losses = holder.losses()
    const until = this.#clock.monotonic() + patienceMs
    while (holder.mayJoin() && !holder.isStable() && losses === holder.losses() && this.#clock.monotonic() < until)
      await this.#roundEnd(until - this.#clock.monotonic())
    if (losses !== holder.losses() || !holder.hasAll(partitions))
      throw refusal(GROUP_CODE.unknownMember, 'take offsets of partitions that others may have')
    const used = use(holder.metadata())
    const all = Promise.allSettled([this.#used, used]).then(() => {
      if (this.#used === all) this.#used = undefined
    })
    this.#used = all
    return used
  }

  /** Whether a commit that was refused is to be tried again. */
  async mayPass({ code, from, wasStable, until, offsets, losses }: RefusedCommit): Promise<boolean> {
    const holder = this.#holder
    if (!OF_PLACE.has(code) || this.#clock.monotonic() >= until) return false
    const isUsable = (): boolean => holder.isStable() && !(wasStable && isSame(from, holder.metadata()))
    if (holder.isStable() && !isUsable()) holder.refused(code)
    // Only another round gives another place; the answer to who joins may be on its way, with the next generation in it.
    const isHere = (): boolean => losses === holder.losses() && holder.hasAll(offsets)
    while (isHere() && !isUsable()) {
      const leftMs = until - this.#clock.monotonic()
      if (leftMs <= 0 || !holder.mayJoin()) return false
      await this.#roundEnd(leftMs)
    }
    return isHere()
  }

  async #roundEnd(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        cancel()
        this.#waiting.delete(wake)
        resolve()
      }
      const cancel = this.#clock.after(ms, wake)
      this.#waiting.add(wake)
    })
  }
}

function isSame(one: GroupMetadata, other: GroupMetadata): boolean {
  return one.generation === other.generation && one.memberId === other.memberId
}

/** What was waited for is not kept: what comes next would hold all that came before it. */
export function nothing(): void {}

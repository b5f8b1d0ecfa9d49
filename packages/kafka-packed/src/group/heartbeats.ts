import type { Clock } from '@millrace/core'
import type { BrokerAddress } from '../cluster/connection-options.ts'
import { PackedError } from '../errors/packed-error.ts'
import type { Coordinator } from '../cluster/coordinator.ts'
import type { GroupMetadata } from '../wire/group-metadata.ts'
import type { ResolvedGroupOptions } from './group-options.ts'
import type { GroupRounds } from './group-rounds.ts'
import { StandIn } from './stand-in.ts'

export interface HeartbeatEvents {
  /** An answer that is not that all is well, to who is the member now. */
  readonly onCode: (code: number) => void
  /** The group has not answered what was asked within a session, or can't be asked: see {@link PackedError.retriable}. No more heartbeats are sent. */
  readonly onSilence: (error: PackedError) => void
  /** Nobody sends heartbeats any more while JavaScript is busy. */
  readonly onStandInLost: (error: Error) => void
}

export interface HeartbeatsParts {
  readonly coordinator: Coordinator
  readonly rounds: GroupRounds
  readonly options: ResolvedGroupOptions
  readonly events: HeartbeatEvents
}

/** Answers in a row that can't be read before that is told: one may have been damaged on its way. */
const MALFORMED_ANSWERS = 3

/** Tells the group that a member is there, also while it joins again, and notices when the group is not. */
export class Heartbeats {
  readonly #coordinator: Coordinator
  readonly #rounds: GroupRounds
  readonly #options: ResolvedGroupOptions
  readonly #events: HeartbeatEvents
  readonly #clock: Clock
  readonly #standIn: StandIn
  #member: GroupMetadata | undefined
  /** When the last question that was answered was asked: from then on the group counts the session. */
  #heardAt = 0
  /** When this side gave its last sign of life, and whether it was late with the one after. */
  #signedAt = 0
  #stoodStill = false
  #malformed = 0
  /** Whose question is under way. */
  #asking: GroupMetadata | undefined
  #cancel: () => void = () => {}

  constructor({ coordinator, rounds, options, events }: HeartbeatsParts) {
    this.#coordinator = coordinator
    this.#rounds = rounds
    this.#options = options
    this.#clock = options.clock
    this.#events = events
    this.#standIn = new StandIn(options, events.onStandInLost)
  }

  /** `coordinator`: where it was a moment ago. */
  start(member: GroupMetadata, coordinator: BrokerAddress | undefined): void {
    this.stop()
    this.#member = member
    this.#heardAt = this.#signedAt = this.#clock.monotonic()
    this.#order(coordinator)
    this.#next()
  }

  /** What the member has is not what it was. */
  update(): void {
    if (this.#member !== undefined) this.#order(this.#coordinator.address)
  }

  /** As {@link start}, if it is not this member's already. */
  goOn(member: GroupMetadata, coordinator: BrokerAddress | undefined): void {
    const { memberId, generation } = this.#member ?? {}
    if (memberId !== member.memberId || generation !== member.generation) this.start(member, coordinator)
  }

  stop(): void {
    this.#cancel()
    this.#member = undefined
    this.#standIn.order({})
  }

  /** Whether this side was busy for too long since this was asked last: the stand-in has left the group then, or would have if it had been there. */
  takeBusy(): boolean {
    const wasBusy = this.#standIn.takeLeft() || this.#stoodStill || this.#isLate()
    this.#stoodStill = false
    return wasBusy
  }

  /** The member's epoch as the stand-in knows it; 0: it has none. */
  get toldEpoch(): number {
    return this.#standIn.toldEpoch
  }

  async close(): Promise<void> {
    this.stop()
    await this.#standIn.close()
  }

  #order(address: BrokerAddress | undefined): void {
    const { heartbeatIntervalMs: intervalMs, report } = this.#rounds
    // Who has no name yet can't be stood in for.
    const member = this.#member?.memberId === '' ? undefined : this.#member
    this.#standIn.order({ member, address, intervalMs, report })
  }

  #next(): void {
    const { sessionTimeoutMs } = this.#options
    const leftMs = this.#heardAt + sessionTimeoutMs - this.#clock.monotonic()
    this.#cancel = this.#clock.after(Math.max(0, Math.min(this.#rounds.heartbeatIntervalMs, leftMs)), () => this.#beat())
  }

  #beat(): void {
    const member = this.#member
    if (member === undefined) return
    this.#sign()
    if (this.#standIn.takeBeats()) this.#heardAt = this.#clock.monotonic()
    if (this.#clock.monotonic() - this.#heardAt >= this.#options.sessionTimeoutMs) {
      // Also while it is asked: an answer may take as long as it likes.
      this.#events.onSilence(new PackedError('The group was not heard of for as long as a session.', { kind: 'timed-out' }))
      return
    }
    this.#next()
    if (this.#asking === member) return
    this.#asking = member
    void this.#send(member).finally(() => {
      if (this.#asking === member) this.#asking = undefined
    })
  }

  #sign(): void {
    this.#standIn.sign()
    if (this.#isLate()) this.#stoodStill = true
    this.#signedAt = this.#clock.monotonic()
  }

  #isLate(): boolean {
    return this.#clock.monotonic() - this.#signedAt > this.#options.rebalanceTimeoutMs + this.#rounds.heartbeatIntervalMs
  }

  /** Never rejects. */
  async #send(member: GroupMetadata): Promise<void> {
    const askedAt = this.#clock.monotonic()
    const wasBusy = this.#standIn.hasLeft || this.#stoodStill
    try {
      const code = await this.#coordinator.once({
        use: (connection) => this.#rounds.beat(connection, member),
        codeOf: (answer) => answer,
        doing: 'hear of a member',
      })
      this.#malformed = 0
      if (this.#member !== member) return
      this.#heardAt = Math.max(this.#heardAt, askedAt)
      this.#order(this.#coordinator.address)
      // It is a member still: what the stand-in had done before is over, and does not explain what may come later. What it has done since is not known of yet.
      if (code !== 0) this.#events.onCode(code)
      else if (wasBusy) this.takeBusy()
    } catch (error) {
      const { kind, retriable } = error as PackedError
      this.#malformed = kind === 'malformed' ? this.#malformed + 1 : 0
      const mayPass = retriable || (kind === 'malformed' && this.#malformed < MALFORMED_ANSWERS)
      if (this.#member !== member) return
      if (retriable) this.#rounds.unheard()
      if (!mayPass) this.#events.onSilence(error as PackedError)
    }
  }
}

import type { Clock } from '@millrace/core'
import type { BrokerAddress } from '../cluster/connection-options.ts'
import type { PackedError } from '../errors/packed-error.ts'
import type { Coordinator } from '../cluster/coordinator.ts'
import type { GroupMetadata } from '../wire/group-metadata.ts'
import type { ResolvedGroupOptions } from './group-options.ts'
import type { GroupRounds } from './group-rounds.ts'
import { StandIn } from './stand-in.ts'

export interface HeartbeatEvents {
  /** An answer that is not that all is well, and to whom. */
  readonly onCode: (code: number, member: GroupMetadata) => void
  /** The group was not heard of for as long as a session, or can't be: see {@link PackedError.retriable}. */
  readonly onSilence: (error: PackedError, member: GroupMetadata) => void
}

export interface HeartbeatsParts {
  readonly coordinator: Coordinator
  readonly rounds: GroupRounds
  readonly options: ResolvedGroupOptions
  readonly events: HeartbeatEvents
}

/** Tells the group that a member is there, from when it is given its place until it has to join again. */
export class Heartbeats {
  readonly #coordinator: Coordinator
  readonly #rounds: GroupRounds
  readonly #options: ResolvedGroupOptions
  readonly #events: HeartbeatEvents
  readonly #clock: Clock
  readonly #standIn: StandIn
  #member: GroupMetadata | undefined
  #heardAt = 0
  #isUnderWay = false
  #cancel: () => void = () => {}

  constructor({ coordinator, rounds, options, events }: HeartbeatsParts) {
    this.#coordinator = coordinator
    this.#rounds = rounds
    this.#options = options
    this.#clock = options.clock
    this.#events = events
    this.#standIn = new StandIn(options)
  }

  /** `coordinator`: where it was a moment ago. */
  start(member: GroupMetadata, coordinator: BrokerAddress | undefined): void {
    this.stop()
    this.#member = member
    this.#heardAt = this.#clock.monotonic()
    this.#order(coordinator)
    this.#next()
  }

  /** What the member has is not what it was. */
  update(): void {
    if (this.#member !== undefined) this.#order(this.#coordinator.address)
  }

  stop(): void {
    this.#cancel()
    this.#member = undefined
    this.#standIn.order({})
  }

  /** Whether the stand-in has left the group, because this side was busy for too long, since this was asked last. */
  takeLeft(): boolean {
    return this.#standIn.takeLeft()
  }

  /** The epoch that the stand-in was told last; 0: none. */
  get toldEpoch(): number {
    return this.#standIn.toldEpoch
  }

  async close(): Promise<void> {
    this.stop()
    await this.#standIn.close()
  }

  #order(address: BrokerAddress | undefined): void {
    const { heartbeatIntervalMs: intervalMs, report } = this.#rounds
    this.#standIn.order({ member: this.#member, address, intervalMs, report })
  }

  #next(): void {
    this.#cancel = this.#clock.after(this.#rounds.heartbeatIntervalMs, () => this.#beat())
  }

  #beat(): void {
    const member = this.#member
    if (member === undefined) return
    this.#next()
    this.#standIn.sign()
    if (this.#standIn.takeBeats()) this.#heardAt = this.#clock.monotonic()
    if (this.#isUnderWay) return
    this.#isUnderWay = true
    void this.#send(member).finally(() => {
      this.#isUnderWay = false
    })
  }

  /** Never rejects. */
  async #send(member: GroupMetadata): Promise<void> {
    try {
      const code = await this.#coordinator.once({
        use: (connection) => this.#rounds.beat(connection, member),
        codeOf: (answer) => answer,
        doing: 'hear of a member',
      })
      this.#heardAt = this.#clock.monotonic()
      if (this.#member !== member) return
      this.#order(this.#coordinator.address)
      if (code !== 0) this.#events.onCode(code, member)
    } catch (error) {
      const isOver = this.#clock.monotonic() - this.#heardAt > this.#options.sessionTimeoutMs
      if (this.#member === member && (isOver || !(error as PackedError).retriable)) this.#events.onSilence(error as PackedError, member)
    }
  }
}

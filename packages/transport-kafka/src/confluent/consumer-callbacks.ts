import type { ConsumerEvents, Rebalance } from '../client/kafka-client.ts'
import type { Properties, RawConsumer, RawError, RawTopicPartition } from './raw-api.ts'
import { toClientError } from './to-client-error.ts'

const ASSIGN_PARTITIONS = -175
const REVOKE_PARTITIONS = -174

export interface GroupNature {
  /** Partitions are assigned and revoked one by one. The library knows too, but not while it is being closed. */
  readonly cooperative: boolean
  /** Of KIP-848: a member stays one when partitions are revoked, and is not told that it has none. */
  readonly consumerProtocol: boolean
}

/** Callbacks that a consumer is made with, and who listens to them, who comes later. */
export class ConsumerCallbacks {
  readonly #nature: GroupNature
  #consumer: RawConsumer | undefined
  #events: ConsumerEvents | undefined
  #closing = false
  #joining = true

  constructor(nature: GroupNature) {
    this.#nature = nature
  }

  /** To make the consumer with. */
  readonly properties: Properties = {
    queue_non_empty_cb: () => this.#events?.onReady(),
    offset_commit_cb: (error: RawError | null | undefined, offsets: readonly RawTopicPartition[]) => {
      const failure = error == null ? undefined : toClientError(error)
      this.#events?.onCommitted(
        failure,
        offsets.map(({ topic, partition, offset = -1 }) => ({ topic, partition, offset })),
      )
    },
    rebalance_cb: (error: RawError | undefined, partitions: readonly RawTopicPartition[]) => {
      const type = this.#typeOf(error)
      this.#joining = type === 'lost' || (type === 'revoke' && !this.#nature.consumerProtocol)
      if (this.#closing) this.#letGo(type, partitions)
      else this.#events?.onRebalance({ type, partitions: partitions.map(({ topic, partition }) => ({ topic, partition })) })
    },
  }

  /** The nature of the group. */
  get nature(): GroupNature {
    return this.#nature
  }

  /** Whether the group is still to say what this member has. */
  get joining(): boolean {
    return this.#joining
  }

  attach(consumer: RawConsumer): void {
    this.#consumer = consumer
  }

  listen(events: ConsumerEvents): void {
    this.#events = events
  }

  /** The consumer is being closed: nobody answers rebalances any more, and the library would wait for an answer for ever. */
  close(): void {
    this.#closing = true
  }

  /** The library refuses the wrong one of its two calls to give up partitions, and goes on waiting. */
  #letGo(type: Rebalance['type'], partitions: readonly RawTopicPartition[]): void {
    try {
      if (!this.#nature.cooperative) this.#consumer?.unassign()
      else if (type === 'assign') this.#consumer?.incrementalAssign(partitions)
      else this.#consumer?.incrementalUnassign(partitions)
    } catch {
      this.#unassign()
    }
  }

  #unassign(): void {
    try {
      this.#consumer?.unassign()
    } catch {
      // It is gone already.
    }
  }

  /** Anything but the two codes is an error of the group, whose partitions are gone. */
  #typeOf(error: RawError | undefined): Rebalance['type'] {
    if (error?.code === ASSIGN_PARTITIONS) return 'assign'
    if (error?.code !== REVOKE_PARTITIONS) return 'lost'
    return !this.#closing && this.#consumer?.assignmentLost() === true ? 'lost' : 'revoke'
  }
}

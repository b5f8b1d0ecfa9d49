import type { ConsumerEvents, Rebalance } from '../client/kafka-client.ts'
import type { Properties, RawConsumer, RawError, RawTopicPartition } from './raw-api.ts'
import { toClientError } from './to-client-error.ts'

const ASSIGN_PARTITIONS = -175
const REVOKE_PARTITIONS = -174

/** Callbacks that a consumer is made with, and who listens to them, who comes later. */
export class ConsumerCallbacks {
  #consumer: RawConsumer | undefined
  #events: ConsumerEvents | undefined
  #closing = false

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
      if (this.#closing) this.#letGo()
      else {
        this.#events?.onRebalance({
          type: this.#typeOf(error),
          partitions: partitions.map(({ topic, partition }) => ({ topic, partition })),
        })
      }
    },
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

  #letGo(): void {
    try {
      this.#consumer?.unassign()
    } catch {
      // It is gone already.
    }
  }

  /** Anything but the two codes is an error of the group, whose partitions are gone. */
  #typeOf(error: RawError | undefined): Rebalance['type'] {
    if (error?.code === ASSIGN_PARTITIONS) return 'assign'
    return error?.code === REVOKE_PARTITIONS && this.#consumer?.assignmentLost() !== true ? 'revoke' : 'lost'
  }
}

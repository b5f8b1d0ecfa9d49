import type { TopicPartitionOffset } from '@millrace/core'
import { ConfluentConsumer } from '../../src/confluent/confluent-consumer.ts'
import { ConsumerCallbacks } from '../../src/confluent/consumer-callbacks.ts'
import type { Callback, RawConsumer, RawError, RawMessage, RawModule, RawTopicPartition } from '../../src/confluent/raw-api.ts'

/** The library's consumer, which answers when a test says so: no real one can be made to be late, or to fail, at a given moment. */
class LateConsumer {
  readonly consumes: Callback<readonly RawMessage[]>[] = []
  readonly calls: string[] = []
  protocol: 'EAGER' | 'COOPERATIVE' = 'COOPERATIVE'
  assignmentIsLost = false
  /** Answers a disconnect. */
  onDisconnect: (callback: Callback) => void = (callback) => callback(null, undefined)
  #tellEnd: (end: TopicPartitionOffset) => void = () => {}

  on(event: string, listener: (end: TopicPartitionOffset) => void): this {
    if (event === 'partition.eof') this.#tellEnd = listener
    return this
  }

  setDefaultConsumeTimeout(): void {}

  consume(_count: number, callback: Callback<readonly RawMessage[]>): void {
    this.consumes.push(callback)
  }

  /** Answers the first consume that waits, as the library does: ends are told before the messages are handed over. */
  bring(offsets: readonly number[], end?: number): void {
    if (end !== undefined) this.#tellEnd({ topic: 't', partition: 0, offset: end })
    const messages = offsets.map((offset) => ({ topic: 't', partition: 0, offset, key: null, value: null, timestamp: 1 }))
    this.consumes.shift()?.(null, messages)
  }

  /** A partition that is not read can't be sought. */
  seek(_position: RawTopicPartition, _timeoutMs: number, callback: Callback): void {
    callback({ message: 'erroneous state', code: -172 }, undefined)
  }

  disconnect(callback: Callback): void {
    this.calls.push('disconnect')
    this.onDisconnect(callback)
  }

  rebalanceProtocol(): 'EAGER' | 'COOPERATIVE' {
    return this.protocol
  }

  assignmentLost(): boolean {
    return this.assignmentIsLost
  }

  getWatermarkOffsets(): { readonly lowOffset: number; readonly highOffset: number } {
    return { lowOffset: -1, highOffset: -1 }
  }

  assign(partitions: readonly RawTopicPartition[]): void {
    this.#note('assign', partitions)
  }

  unassign(): void {
    this.calls.push('unassign')
  }

  incrementalAssign(partitions: readonly RawTopicPartition[]): void {
    this.#note('incrementalAssign', partitions)
  }

  incrementalUnassign(partitions: readonly RawTopicPartition[]): void {
    this.#note('incrementalUnassign', partitions)
  }

  #note(call: string, partitions: readonly RawTopicPartition[]): void {
    this.calls.push(`${call} ${partitions.map(({ partition }) => partition).join()}`)
  }
}

/** The adapter on such a consumer. */
export function openLate({ requestTimeoutMs = 10, cooperative = true } = {}) {
  const raw = new LateConsumer()
  raw.protocol = cooperative ? 'COOPERATIVE' : 'EAGER'
  const callbacks = new ConsumerCallbacks({ cooperative, consumerProtocol: false })
  const consumer = new ConfluentConsumer({
    library: { AdminClient: { createFrom: () => ({}) } } as unknown as RawModule,
    consumer: raw as unknown as RawConsumer,
    callbacks,
    source: { clientId: 'c', groupId: 'g', isolation: 'read-uncommitted' },
    requestTimeoutMs,
  })
  const rebalance = callbacks.properties['rebalance_cb'] as (error: RawError | undefined, partitions: readonly RawTopicPartition[]) => void
  return { raw, consumer, callbacks, rebalance }
}

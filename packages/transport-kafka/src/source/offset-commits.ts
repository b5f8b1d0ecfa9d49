import { MillraceError, type OffsetCommit } from '@millrace/core'
import { kafkaError } from '../client/kafka-errors.ts'
import type { RawConsumer, RawError, RawTopicPartition } from '../client/raw-client.ts'

interface Waiting {
  readonly offsets: readonly OffsetCommit[]
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * Commits whose outcome is known. The client's own commit calls only queue a request and report success at once, even when the broker
 * refuses; the truth comes in the `offset.commit` event, which is served while messages are consumed. One commit is under way at a time, so
 * that an event can't be taken for another's.
 */
export class OffsetCommits {
  readonly #consumer: () => RawConsumer
  readonly #timeoutMs: number
  #last: Promise<void> = Promise.resolve()
  #waiting: Waiting | undefined

  constructor(consumer: () => RawConsumer, timeoutMs: number) {
    this.#consumer = consumer
    this.#timeoutMs = timeoutMs
  }

  /** Whether somebody waits for an event: messages should be consumed soon. */
  get pending(): boolean {
    return this.#waiting !== undefined
  }

  commit(offsets: readonly OffsetCommit[]): Promise<void> {
    const commit = this.#last.then(() => this.#commitNow(offsets))
    this.#last = commit.catch(() => undefined)
    return commit
  }

  /** The client's `offset.commit` event. */
  readonly onEvent = (error: RawError | null | undefined, partitions: readonly RawTopicPartition[] | undefined): void => {
    const waiting = this.#waiting
    if (waiting === undefined || !isAnswerTo(waiting.offsets, partitions)) return
    const failure = error ?? partitions?.find((one) => one.error !== undefined && one.error !== null)?.error
    if (failure === undefined || failure === null || failure.code === 0) waiting.resolve()
    else {
      const [first] = waiting.offsets
      waiting.reject(
        kafkaError('commit offsets', failure, { stage: 'commit', topic: first?.topic, partition: first?.partition, offset: first?.offset }),
      )
    }
  }

  /** Rejects whoever waits: the consumer is gone. */
  fail(error: Error): void {
    this.#waiting?.reject(error)
  }

  #commitNow(offsets: readonly OffsetCommit[]): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        settle(() =>
          reject(
            new MillraceError('TIMED_OUT', `Kafka did not confirm a commit within ${this.#timeoutMs} ms.`, {
              stage: 'commit',
              retryable: true,
            }),
          ),
        )
      }, this.#timeoutMs)
      const settle = (how: () => void) => {
        clearTimeout(timer)
        this.#waiting = undefined
        how()
      }
      this.#waiting = { offsets, resolve: () => settle(resolve), reject: (error) => settle(() => reject(error)) }
      try {
        this.#consumer().commit(
          offsets.map(({ topic, partition, offset, metadata }) =>
            metadata === undefined ? { topic, partition, offset } : { topic, partition, offset, metadata },
          ),
        )
      } catch (error) {
        settle(() => reject(kafkaError('commit offsets', error, { stage: 'commit' })))
      }
    })
  }
}

/** An answer that comes after its commit was given up must not settle the next one: the offsets tell. */
function isAnswerTo(offsets: readonly OffsetCommit[], partitions: readonly RawTopicPartition[] | undefined): boolean {
  if (partitions === undefined) return true
  return offsets.every((wanted) =>
    partitions.some((one) => one.topic === wanted.topic && one.partition === wanted.partition && one.offset === wanted.offset),
  )
}

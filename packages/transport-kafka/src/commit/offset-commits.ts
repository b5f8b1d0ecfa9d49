import { MillraceError, type OffsetCommit, partitionKey, type TopicPartitionOffset } from '@millrace/core'
import type { ClientError } from '../client/client-error.ts'
import { kafkaError } from '../errors/kafka-error.ts'

interface Commit {
  readonly offsets: readonly OffsetCommit[]
  readonly settle: (error: Error | undefined) => void
}

/**
 * Commits whose outcome is known. The client only sends them; what becomes of them is an event of its own, which does not say whose it is. So one
 * is under way at a time, and the next waits for its answer even if nobody else does any more: an older commit must not overtake a newer.
 */
export class OffsetCommits {
  readonly #send: (offsets: readonly OffsetCommit[]) => void
  readonly #timeoutMs: number
  #waiting: Commit[] = []
  #sent: Commit | undefined

  constructor(send: (offsets: readonly OffsetCommit[]) => void, timeoutMs: number) {
    this.#send = send
    this.#timeoutMs = timeoutMs
  }

  /** Whether an answer is awaited. */
  get isPending(): boolean {
    return this.#sent !== undefined
  }

  commit(offsets: readonly OffsetCommit[]): Promise<void> {
    for (const { topic, partition, offset } of offsets) {
      if (!(Number.isSafeInteger(offset) && offset >= 0))
        throw new TypeError(`Offset ${offset} of ${topic}-${partition} can't be committed: use a whole number, at least 0.`)
    }
    return new Promise((resolve, reject) => {
      const commit: Commit = {
        offsets,
        settle: (error) => {
          clearTimeout(timer)
          if (error === undefined) resolve()
          else reject(error)
        },
      }
      const timer = setTimeout(() => {
        // What nobody waits for any more must not be sent after all.
        this.#waiting = this.#waiting.filter((one) => one !== commit)
        const message = `Kafka did not confirm the commit of offsets within ${this.#timeoutMs} ms.`
        reject(new MillraceError('TIMED_OUT', message, { stage: 'commit', retryable: true }))
      }, this.#timeoutMs)
      this.#waiting.push(commit)
      this.#sendNext()
    })
  }

  readonly onCommitted = (error: ClientError | undefined, offsets: readonly TopicPartitionOffset[]): void => {
    const sent = this.#sent
    if (sent === undefined || !isAnswer(sent.offsets, offsets)) return
    this.#sent = undefined
    sent.settle(error === undefined ? undefined : commitError(error, sent.offsets))
    this.#sendNext()
  }

  /** Nothing will be answered any more. */
  fail(error: Error): void {
    this.#sent?.settle(error)
    this.#sent = undefined
    for (const { settle } of this.#waiting.splice(0)) settle(error)
  }

  #sendNext(): void {
    if (this.#sent !== undefined) return
    const next = this.#waiting.shift()
    if (next === undefined) return
    this.#sent = next
    try {
      this.#send(next.offsets)
    } catch (error) {
      this.#sent = undefined
      next.settle(kafkaError('commit offsets', error, { stage: 'commit' }))
      this.#sendNext()
    }
  }
}

function isAnswer(sent: readonly OffsetCommit[], answered: readonly TopicPartitionOffset[]): boolean {
  const [asked, told] = [byPartition(sent), byPartition(answered)]
  return asked.size === told.size && [...asked].every(([key, offset]) => told.get(key) === offset)
}

/** Of a partition that is there twice, the last. */
function byPartition(offsets: readonly TopicPartitionOffset[]): ReadonlyMap<string, number> {
  return new Map(offsets.map(({ topic, partition, offset }) => [partitionKey(topic, partition), offset]))
}

/** The client does not say which of the offsets were refused; with a single one it is clear. */
function commitError(error: ClientError, offsets: readonly OffsetCommit[]): Error {
  const [first] = offsets
  const where = offsets.length === 1 && first !== undefined ? { topic: first.topic, partition: first.partition, offset: first.offset } : {}
  return kafkaError(`commit offsets of ${[...new Set(offsets.map(({ topic }) => `'${topic}'`))].join(', ')}`, error, {
    stage: 'commit',
    ...where,
  })
}

import { MillraceError, partitionKey, type RecordWriter, type TopicPartition, type WriteBatch } from '@millrace/core'
import { Exclusive } from '../internal/exclusive.ts'

import { writeNamed } from './write-named.ts'

/** What a broker, or its client, refuses for what the record is. */
const REFUSALS: ReadonlySet<string> = new Set(['RECORD_TOO_LARGE', 'KAFKA_ERROR'])

/** Output of some records was refused: which of them is to blame turns out when they are written by themselves. */
export class OutputRefused extends MillraceError {
  override readonly name = 'OutputRefused'
}

/** A partition, and how far it was processed. */
export interface Processed extends TopicPartition {
  readonly nextOffset: number
}

/**
 * After a record was refused on delivery, when nobody can tell any more what it came of: what was not committed is processed again, and what comes of
 * each part of a batch is delivered before the next, so that it can be told. Beyond what had been processed everything goes its usual way.
 */
export class CarefulDelivery {
  readonly #open: () => Promise<RecordWriter>
  readonly #onTrial: boolean
  readonly #exclusive = new Exclusive()
  /** Up to which offset each partition is treated with care. */
  readonly #until = new Map<string, number>()
  #writer: RecordWriter | undefined

  /** `onTrial`: what `open` opens is transactional, and what it delivers is never seen. */
  constructor(open: () => Promise<RecordWriter>, onTrial: boolean) {
    this.#open = open
    this.#onTrial = onTrial
  }

  /** If `error` says that a record was refused, all that was processed up to now is to be treated with care when it comes again. */
  begin(error: unknown, processed: readonly Processed[]): void {
    if (!isRefusal(error)) return
    for (const { topic, partition, nextOffset } of processed) {
      const key = partitionKey(topic, partition)
      this.#until.set(key, Math.max(nextOffset, this.#until.get(key) ?? 0))
    }
  }

  /** Whether what is to be processed next of a partition needs care. */
  covers({ topic, partition, nextOffset }: Processed): boolean {
    if (this.#until.size === 0) return false
    const until = this.#until.get(partitionKey(topic, partition))
    return until !== undefined && nextOffset < until
  }

  /**
   * Resolves when all is delivered: to whether it stays so. Where it was on trial, all that is known is that it can be. Rejects with an
   * {@link OutputRefused} if a broker refuses some of it; with another error if that may pass.
   */
  deliver(writes: readonly WriteBatch[]): Promise<boolean> {
    return this.#exclusive.run(async () => {
      try {
        const writer = (this.#writer ??= await this.#open())
        if (this.#onTrial) await writer.begin()
        for (const write of writes) await writeNamed(writer, write)
        const [failure] = await writer.flush()
        if (failure !== undefined) throw failure.error
        if (this.#onTrial) await writer.abort()
        return !this.#onTrial
      } catch (error) {
        // What it still holds of a part that failed must not count for the next.
        await this.close()
        if (isRefusal(error)) throw refused(error as MillraceError)
        throw this.#onTrial ? trialFailed(error) : error
      }
    })
  }

  /** Never rejects. */
  async close(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    await writer?.close().catch(() => undefined)
  }
}

function isRefusal(error: unknown): boolean {
  if (!(error instanceof MillraceError) || error.retryable) return false
  return (error.stage === 'sink' && REFUSALS.has(error.code)) || (error.code === 'DELIVERY_FAILED' && isRefusal(error.cause))
}

/** What ends a transaction that nobody was to see passes. */
function trialFailed(cause: unknown): MillraceError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new MillraceError('TRIAL_FAILED', `Whether output can be delivered could not be found out: ${reason}`, {
    stage: 'sink',
    retryable: true,
    cause,
  })
}

function refused(error: MillraceError): OutputRefused {
  return new OutputRefused('OUTPUT_REFUSED', error.message, { stage: 'sink', cause: error, topic: error.topic, partition: error.partition })
}

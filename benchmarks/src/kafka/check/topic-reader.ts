import { type BytesColumn, type IsolationLevel, silentLogger, type TopicPartitionOffset, type Transport } from '@millrace/core'
import { PackedReader } from '@millrace/kafka-packed'

const POLL_RECORDS = 100_000
const POLL_MS = 1_000

/** What a check sees of records: consecutive ones of one partition. */
export interface TopicBatch {
  readonly partition: number
  readonly length: number
  readonly keys: BytesColumn
  readonly values: BytesColumn
  readonly timestamps: ArrayLike<number>
}

/** Reads partitions from given offsets on. */
export interface TopicReader extends AsyncDisposable {
  /** What has come; `look` is shown each batch, which is gone afterwards. Resolves to partitions that are at an end. */
  poll(look: (batch: TopicBatch) => void): Promise<readonly TopicPartitionOffset[]>
}

export type OpenTopicReader = (positions: readonly TopicPartitionOffset[], isolation: IsolationLevel) => Promise<TopicReader>

/** By any transport. */
export function readerOf(transport: Transport): OpenTopicReader {
  return async (positions, isolation) => {
    const source = await transport.openSource({ clientId: 'bench-check', isolation }, { logger: silentLogger })
    await source.assign(positions)
    return {
      async poll(look) {
        const { batches, ends } = await source.poll(POLL_MS)
        for (const batch of batches) {
          look(batch)
          batch.release()
        }
        return ends
      },
      [Symbol.asyncDispose]: () => source.close(),
    }
  }
}

/** By the packed client, which takes a tenth of the time; nothing that is compared reads with it. */
export function packedReaderOf(brokers: string): OpenTopicReader {
  return async (positions, isolation) => {
    const reader = await PackedReader.open({ brokers: brokerAddresses(brokers), isolation })
    reader.assign(positions)
    return {
      async poll(look) {
        const { batches, ends, failures } = await reader.poll(POLL_RECORDS, POLL_MS)
        const [failure] = failures
        if (failure !== undefined) throw failure.error
        for (const batch of batches) look(batch)
        return ends
      },
      [Symbol.asyncDispose]: () => reader.close(),
    }
  }
}

/** Of a list with commas. */
export function brokerAddresses(brokers: string): { host: string; port: number }[] {
  return brokers.split(',').map((one) => {
    const colon = one.lastIndexOf(':')
    return { host: one.slice(0, colon), port: Number(one.slice(colon + 1)) }
  })
}

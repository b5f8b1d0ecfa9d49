import { setImmediate } from 'node:timers/promises'
import { viewColumn } from '@millrace/core'
import { PackedWriter, type WriterOptions } from '../../src/index.ts'
import { KEY, produced, type ProducedBatch, readProduce, WireBroker, type WireRequest } from './wire-broker.ts'

/** Of one partition. */
export const TOPIC = 't'

/** A writer of transactions, and the broker it writes to: with the transactions of KIP-890 where the level of `transaction.version` is 2. Default: 0. */
export async function openTransactional(
  options: Partial<WriterOptions> = {},
  level = 0,
): Promise<{ readonly broker: WireBroker; readonly writer: PackedWriter } & AsyncDisposable> {
  const broker = await WireBroker.open({ name: TOPIC, partitions: [{ leader: 1, epoch: 0 }] })
  broker.features.set('transaction.version', level)
  const writer = await PackedWriter.open({ brokers: broker.brokers, lingerMs: 60_000, transactionalId: 'id', ...options })
  return {
    broker,
    writer,
    [Symbol.asyncDispose]: async () => {
      await writer.close()
      await broker[Symbol.asyncDispose]()
    },
  }
}

export function write(writer: PackedWriter, value: string): Promise<void> {
  return writer.write({ topic: TOPIC, length: 1, keys: viewColumn([null]), values: viewColumn([Buffer.from(value)]), timestamps: [1] })
}

/** A whole transaction, of one record. */
export async function commitOne(writer: PackedWriter, value: string): Promise<void> {
  writer.begin()
  await write(writer, value)
  await writer.commit()
}

/** What is sent, each answered by its code, and those behind with success. */
export function answering(broker: WireBroker, ...codes: number[]): (ProducedBatch & { readonly version: number })[] {
  const sent: (ProducedBatch & { readonly version: number })[] = []
  broker.answers.set(KEY.produce, ({ version, body }: WireRequest) => {
    const [batch] = readProduce(body) as [ProducedBatch]
    sent.push({ ...batch, version })
    return produced([{ topic: TOPIC, partition: 0, code: codes.shift() ?? 0 }])
  })
  return sent
}

/** Lets time pass, and says whether it is by then. */
export async function isSettled(promise: Promise<unknown>, pass: () => Promise<void>): Promise<boolean> {
  await pass()
  const settled = promise.then(
    () => true,
    () => true,
  )
  return Promise.race([settled, setImmediate(false)])
}

import { silentLogger, viewColumn } from '@millrace/core'
import { expect, test } from 'vitest'
import { ClientError } from '../../src/client/client-error.ts'
import type { DeliveryFailure, KafkaClient, ProducerClient } from '../../src/client/kafka-client.ts'
import { KafkaWriter } from '../../src/sink/kafka-writer.ts'

/** A writer on a client that does no more than this; what it warns of. */
async function writerOn(producer: Partial<ProducerClient>) {
  const kafka: Pick<KafkaClient, 'openProducer'> = { openProducer: async () => producer as ProducerClient }
  const told: object[] = []
  const logger = { ...silentLogger, warn: (fields: object) => void told.push(fields) }
  const writer = await KafkaWriter.open(kafka as KafkaClient, { options: { clientId: 'c' }, logger, deliveryTimeoutMs: 1_000 })
  return { writer, told }
}

test('what the client drops when it is closed is told', async () => {
  let onFailure: (failure: DeliveryFailure) => void = () => undefined
  const error = new ClientError('it was not acknowledged', { kind: 'other', code: 0 })
  const { writer, told } = await writerOn({
    listen: (listener) => {
      onFailure = listener
    },
    flush: async () => true,
    close: async () => {
      for (const partition of [0, 1, 1]) onFailure({ topic: 't', partition, error })
    },
  })
  await writer.close()
  expect(told).toMatchObject([
    { topic: 't', partition: 0, records: 1 },
    { topic: 't', partition: 1, records: 2 },
  ])
})

test('what waits for the client when it is closed is told that it was', async () => {
  let end: (error: Error) => void = () => undefined
  const ended = new Promise<never>((_, reject) => {
    end = reject
  })
  let flushes = 0
  const { writer } = await writerOn({
    listen: () => undefined,
    existing: async (topics) => new Set(topics),
    produce: () => ended,
    // That of closing ends.
    flush: () => (flushes++ === 0 ? ended : Promise.resolve(true)),
    close: async () => end(new ClientError('The client is closed', { kind: 'other', code: 0 })),
  })
  const [keys, values] = [viewColumn([null]), viewColumn([null])]
  const waiting = [writer.writeBatch({ topic: 't', length: 1, keys, values, timestamps: [1] }), writer.flush()]
  const outcomes = Promise.allSettled(waiting)
  await new Promise((resolve) => setImmediate(resolve))
  await writer.close()
  expect(await outcomes).toMatchObject(waiting.map(() => ({ status: 'rejected', reason: { code: 'CLOSED' } })))
})

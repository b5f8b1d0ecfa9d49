import { silentLogger } from '@millrace/core'
import { expect, test } from 'vitest'
import { ClientError } from '../../src/client/client-error.ts'
import type { DeliveryFailure, KafkaClient, ProducerClient } from '../../src/client/kafka-client.ts'
import { KafkaWriter } from '../../src/sink/kafka-writer.ts'

test('what the client drops when it is closed is told', async () => {
  let onFailure: (failure: DeliveryFailure) => void = () => undefined
  const error = new ClientError('it was not acknowledged', { kind: 'other', code: 0 })
  const producer: Pick<ProducerClient, 'listen' | 'flush' | 'close'> = {
    listen: (listener) => {
      onFailure = listener
    },
    flush: async () => true,
    close: async () => {
      for (const partition of [0, 1, 1]) onFailure({ topic: 't', partition, error })
    },
  }
  const kafka: Pick<KafkaClient, 'openProducer'> = { openProducer: async () => producer as ProducerClient }
  const told: object[] = []
  const logger = { ...silentLogger, warn: (fields: object) => void told.push(fields) }
  const writer = await KafkaWriter.open(kafka as KafkaClient, { options: { clientId: 'c' }, logger, deliveryTimeoutMs: 1_000 })
  await writer.close()
  expect(told).toMatchObject([
    { topic: 't', partition: 0, records: 1 },
    { topic: 't', partition: 1, records: 2 },
  ])
})

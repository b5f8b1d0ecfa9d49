import { consumerProperties, createPublisher, event, getBatchConfig } from '@millrace/publisher'
import { memory } from '@millrace/transport-memory'
import { expect, test } from 'vitest'

const consumer = { minBytes: 2_048, maxWaitMs: 200 }

test.each([
  [undefined, { size: 50, timeoutMs: 500 }],
  ['production', { size: 100, timeoutMs: 1_000 }],
  ['development', { size: 50, timeoutMs: 500 }],
  ['test', { size: 5, timeoutMs: 100 }],
])('NODE_ENV %s means %o', (NODE_ENV, expected) => {
  expect(getBatchConfig({ NODE_ENV })).toEqual({ ...expected, maxSize: 200, consumer })
})

test('variables count more than presets, and than what code says', () => {
  const environment = {
    NODE_ENV: 'production',
    KAFKA_BATCH_SIZE: '7',
    KAFKA_BATCH_TIMEOUT_MS: '8',
    KAFKA_MAX_BATCH_SIZE: '9',
    KAFKA_CONSUMER_MIN_BYTES: '10',
    KAFKA_CONSUMER_MAX_WAIT_MS: '11',
  }
  const config = getBatchConfig(environment)
  expect(config).toEqual({ size: 7, timeoutMs: 8, maxSize: 9, consumer: { minBytes: 10, maxWaitMs: 11 } })
  expect(consumerProperties(config)).toEqual({ 'fetch.min.bytes': 10, 'fetch.wait.max.ms': 11 })
  const publisher = createPublisher({
    transport: memory(),
    events: { a: event({ topic: 'a' }) },
    batch: { size: 1, timeoutMs: 2 },
    environment,
  })
  expect(publisher.getBatchStatus()).toMatchObject({ batchSize: 7, batchTimeoutMs: 8, maxBatchSize: 9 })
})

test('every bad value is in one error', () => {
  const bad = {
    KAFKA_BATCH_SIZE: '0',
    KAFKA_BATCH_TIMEOUT_MS: '-1',
    KAFKA_MAX_BATCH_SIZE: 'many',
    KAFKA_CONSUMER_MIN_BYTES: '0.5',
    KAFKA_CONSUMER_MAX_WAIT_MS: 'x',
  }
  for (const name of Object.keys(bad)) expect(() => getBatchConfig(bad)).toThrow(name)
})

test('a size above the maximum is one, wherever the two come from', () => {
  expect(() => getBatchConfig({ KAFKA_BATCH_SIZE: '300' })).toThrow(
    'KAFKA_BATCH_SIZE is 300 and the default of KAFKA_MAX_BATCH_SIZE is 200',
  )
  expect(() => getBatchConfig({ NODE_ENV: 'production', KAFKA_MAX_BATCH_SIZE: '20' })).toThrow(
    'the size of NODE_ENV is 100 and KAFKA_MAX_BATCH_SIZE is 20',
  )
  const parts = { transport: memory(), events: { a: event({ topic: 'a' }) } }
  expect(() => createPublisher({ ...parts, environment: {}, batch: { size: 10, maxSize: 5 } })).toThrow(
    'batch.size is 10 and batch.maxSize is 5',
  )
})

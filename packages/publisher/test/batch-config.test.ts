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

test('a size above the maximum is told beside everything else that is wrong, also of the batches of a type', () => {
  const messageOf = (make: () => unknown) => {
    try {
      make()
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }
  const tooLarge = { KAFKA_BATCH_SIZE: '300', KAFKA_BATCH_TIMEOUT_MS: 'soon', KAFKA_CONSUMER_MIN_BYTES: 'few' }
  const whole = messageOf(() => getBatchConfig(tooLarge))
  for (const named of ['KAFKA_BATCH_SIZE is 300 and the default', 'KAFKA_BATCH_TIMEOUT_MS is "soon"', 'KAFKA_CONSUMER_MIN_BYTES is "few"'])
    expect(whole).toContain(named)
  const create = (options: object) => () =>
    createPublisher({ transport: memory(), events: { a: event({ topic: 'a' }) }, environment: {}, ...options })
  const own = { batch: { size: 300, timeoutMs: -1 } }
  const events = { a: event({ topic: 'a', ...own }), b: event({ topic: 'b', batch: { minSize: 250 } }) }
  const all = messageOf(create({ events, batch: { size: 400, maxBytes: 0 }, environment: { KAFKA_BATCH_TIMEOUT_MS: 'soon' } }))
  for (const named of [
    "events['a'].batch.size is 300 and the maximum of a flush is 200",
    "events['a'].batch.timeoutMs is -1",
    "events['b'].batch.minSize is 250 and the maximum of a flush is 200",
    'batch.size is 400 and the default',
    'batch.maxBytes is 0',
    'KAFKA_BATCH_TIMEOUT_MS is "soon"',
  ])
    expect(all).toContain(named)
  // Of a size or a maximum that is no number nothing more can be said.
  expect(messageOf(create({ batch: { size: 300 }, environment: { KAFKA_MAX_BATCH_SIZE: 'x' } }))).not.toContain('300')
  expect(messageOf(create({ batch: { size: 300 }, environment: { KAFKA_BATCH_SIZE: 'x' } }))).not.toContain('300')
  expect(messageOf(create({ batch: { strategy: 'adaptive', minSize: 300 } }))).toContain('minSize is 300 and maxSize is 200')
  expect(messageOf(create({ batch: { preset: 'balanced' } }))).toContain("the size of batch.preset 'balanced' is 250")
  expect(messageOf(create({ batch: { strategy: 'some', timeoutMs: -1 } }))).toContain('batch.strategy is "some"')
})

test.each([
  [{ batch: 5 }, 'batch is 5'],
  [{ events: { a: { topic: 'a', batch: 5, critical: 'yes' } } }, "events['a'].batch is 5"],
  [{ events: { a: { topic: 'a', critical: 'yes' } } }, 'events[\'a\'].critical is "yes"'],
  [{ retry: null }, 'retry is null'],
  [{ circuitBreaker: 5 }, 'circuitBreaker is 5'],
  [{ logger: {}, clock: 5 }, 'it must have debug, info, warn, error'],
  [{ clock: 5 }, 'clock is 5'],
  [{ environment: 5 }, 'environment is 5'],
])('what is no option at all is told: %o', (options, named) => {
  const create = () =>
    createPublisher({ transport: memory(), events: { a: event({ topic: 'a' }) }, environment: {}, ...(options as object) })
  expect(create).toThrow(named)
})

test('what a preset of batches says holds', () => {
  const publisher = createPublisher({
    transport: memory(),
    events: { a: event({ topic: 'a' }) },
    environment: {},
    batch: { preset: 'conservative' },
  })
  expect(publisher.getBatchStatus()).toMatchObject({ batchSize: 50, batchTimeoutMs: 1_000, maxBatchSize: 200 })
})

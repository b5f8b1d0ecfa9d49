import { describe, expect, test } from 'vitest'
import type { KafkaOptions } from '../../src/kafka-options.ts'
import { groupSettings, portionBytes, readerSettings, writerSettings } from '../../src/options/packed-properties.ts'
import { resolveOptions, type ResolvedKafkaOptions } from '../../src/options/resolve-options.ts'

const resolved = (options: Partial<KafkaOptions> = {}): ResolvedKafkaOptions =>
  resolveOptions({ brokers: 'one:1', client: 'packed', ...options }, {})

describe('properties for the packed client', () => {
  test('are what fits most, and yours where you set them', () => {
    expect(readerSettings(resolved())).toMatchObject({ maxWaitMs: 100, maxFetchBytes: 8_388_608, checkCrcs: false })
    const consumer = {
      'fetch.wait.max.ms': '7',
      'fetch.min.bytes': 2_048,
      'queued.max.messages.kbytes': 2,
      'client.rack': 'a',
      'check.crcs': true,
      'session.timeout.ms': 9_000,
    }
    expect(readerSettings(resolved({ consumer }))).toMatchObject({
      maxWaitMs: 7,
      minBytes: 2_048,
      maxBufferedBytes: 2_048,
      rack: 'a',
      checkCrcs: true,
    })
    const warm = () => []
    const group = groupSettings(resolved({ consumer, properties: { 'max.poll.interval.ms': 60_000 }, groupInstanceId: 'i' }), {
      coLocate: true,
      warm,
      standbys: { replicas: 1, topics: ['a'], onPlaced: () => {} },
    })
    expect(group).toMatchObject({
      sessionTimeoutMs: 9_000,
      rebalanceTimeoutMs: 60_000,
      groupProtocol: 'classic',
      groupInstanceId: 'i',
      coLocate: true,
      warm,
      standbys: { replicas: 1, topics: ['a'] },
    })
    const newGroup = (coLocate: boolean) => groupSettings(resolved({ groupProtocol: 'consumer' }), { coLocate, warm })
    expect(newGroup(false)).toMatchObject({ groupProtocol: 'consumer', serverAssignor: 'uniform' })
    expect(newGroup(true)).toMatchObject({ serverAssignor: 'range' })
    expect(newGroup(true)).not.toHaveProperty('coLocate')
    expect(newGroup(true)).not.toHaveProperty('warm')
    expect(newGroup(true)).not.toHaveProperty('standbys')
    expect(writerSettings(resolved(), { clientId: 'c' })).toMatchObject({ compression: 'lz4', lingerMs: 10, deliveryTimeoutMs: 40_500 })
    expect(writerSettings(resolved(), { clientId: 'c', deliveryReports: true })).toMatchObject({ lingerMs: 0 })
    const producer = { 'compression.codec': 'zstd', 'linger.ms': 0 }
    expect(writerSettings(resolved({ producer }), { clientId: 'c' })).toMatchObject({ compression: 'zstd', lingerMs: 0 })
  })

  test('make no batch larger than its records may be, and queue a quarter of what the queue holds at once', () => {
    const producer = { 'message.max.bytes': 1_000, 'queue.buffering.max.kbytes': 2 }
    expect(writerSettings(resolved({ producer }), { clientId: 'c' })).toMatchObject({ batchBytes: 1_000, maxBufferedBytes: 2_048 })
    expect(portionBytes(resolved({ producer }))).toBe(512)
    expect(writerSettings(resolved(), { clientId: 'c' })).toMatchObject({ batchBytes: 524_288, maxBufferedBytes: 67_108_864 })
  })

  test('let nothing be tried for longer than its transaction lives', () => {
    const settings = writerSettings(resolved(), { clientId: 'c', transactionalId: 't', transactionTimeoutMs: 5_000 })
    expect(settings).toMatchObject({ transactionalId: 't', transactionTimeoutMs: 5_000, deliveryTimeoutMs: 5_000 })
  })

  test('are refused where there is nothing like them, or they are no numbers', () => {
    expect(() => resolved({ consumer: { 'queued.min.messages': 1 } })).toThrow(
      "consumer sets 'queued.min.messages', which the client 'packed' has nothing like: leave it out, or use the client 'confluent'",
    )
    expect(() => readerSettings(resolved({ consumer: { 'fetch.max.bytes': 'much' } }))).toThrow(
      '\'fetch.max.bytes\' as "much": use a number',
    )
    expect(() => writerSettings(resolved({ producer: { 'compression.codec': 'zip' } }), { clientId: 'c' })).toThrow("compression 'zip'")
  })
})

describe('the client', () => {
  test('is the one named, else that of the environment, else packed', () => {
    const client = (options: Partial<KafkaOptions>, environment: NodeJS.ProcessEnv) =>
      resolveOptions({ brokers: 'one:1', ...options }, environment).client
    expect(client({}, {})).toBe('packed')
    expect(client({}, { MILLRACE_KAFKA_CLIENT: '' })).toBe('packed')
    expect(client({}, { MILLRACE_KAFKA_CLIENT: 'confluent' })).toBe('confluent')
    expect(client({ client: 'confluent' }, { MILLRACE_KAFKA_CLIENT: 'packed' })).toBe('confluent')
    expect(() => client({}, { MILLRACE_KAFKA_CLIENT: 'other' })).toThrow(`client is "other"; use 'confluent' or 'packed'`)
    expect(() => client({ client: { 'linger.ms': 1 } as never }, {})).toThrow("give properties of all that connect as 'properties'")
  })
})

import { describe, expect, test } from 'vitest'
import {
  adminConfiguration,
  consumerConfiguration,
  deliveryTimeoutMs,
  producerConfiguration,
  sessionTimeoutMs,
} from '../../src/confluent/configuration.ts'
import type { KafkaOptions } from '../../src/index.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'

const source = { clientId: 'c', groupId: 'g', isolation: 'read-uncommitted' } as const
const writer = { clientId: 'c' }

function resolved(options: Partial<KafkaOptions> = {}) {
  return resolveOptions({ brokers: 'a:1,b:2', client: 'confluent', ...options })
}

describe('the properties of clients', () => {
  test("take from a publisher's configuration how much is fetched at a time", () => {
    const properties = { 'fetch.min.bytes': 2_048, 'fetch.wait.max.ms': 200 }
    expect(consumerConfiguration(resolved({ consumer: properties }), source).properties).toMatchObject(properties)
    expect(consumerConfiguration(resolved(), source).properties).not.toHaveProperty('fetch.min.bytes')
  })

  test('fetch little at a time, but never less than the largest message there may be', () => {
    const fetched = (options: Partial<KafkaOptions>) => consumerConfiguration(resolved(options), source).properties['fetch.max.bytes']
    expect(fetched({})).toBe(1_048_576)
    expect(fetched({ properties: { 'message.max.bytes': 9_000_000 } })).toBe(9_000_000)
    expect(fetched({ properties: { 'message.max.bytes': 500_000 } })).toBe(1_048_576)
    expect(fetched({ properties: { 'message.max.bytes': 9_000_000 }, consumer: { 'fetch.max.bytes': 10_000_000 } })).toBe(10_000_000)
  })

  test('report each record, and compress, as a writer asks; who asks for nothing is told of failures only', () => {
    const options = resolved({ producer: { 'compression.codec': 'zstd' } })
    expect(producerConfiguration(options, writer).properties).toMatchObject({
      'delivery.report.only.error': true,
      'compression.codec': 'zstd',
      'linger.ms': 10,
    })
    expect(producerConfiguration(options, { ...writer, deliveryReports: true, compression: 'gzip' }).properties).toMatchObject({
      'delivery.report.only.error': false,
      'compression.codec': 'gzip',
      'linger.ms': 2,
    })
  })

  test('are those given for all, overridden by those for a kind', () => {
    const options = resolved({
      properties: { 'security.protocol': 'sasl_ssl', 'reconnect.backoff.max.ms': 9 },
      consumer: { 'fetch.wait.max.ms': 7, 'reconnect.backoff.max.ms': 8 },
      producer: { 'compression.codec': 'zstd' },
      admin: { 'socket.timeout.ms': 5_000 },
    })
    const common = { 'bootstrap.servers': 'a:1,b:2', 'security.protocol': 'sasl_ssl' }
    expect(consumerConfiguration(options, source).properties).toMatchObject({
      ...common,
      'fetch.wait.max.ms': 7,
      'reconnect.backoff.max.ms': 8,
    })
    expect(producerConfiguration(options, writer).properties).toMatchObject({
      ...common,
      'compression.codec': 'zstd',
      'reconnect.backoff.max.ms': 9,
    })
    expect(adminConfiguration(options, { clientId: 'admin', groupId: 'g' }).properties).toMatchObject({
      ...common,
      'socket.timeout.ms': 5_000,
    })
  })

  test('connect to every broker, unless the user says otherwise', () => {
    const admin = { clientId: 'admin', groupId: 'g' }
    const connected = { 'enable.sparse.connections': false }
    expect(consumerConfiguration(resolved(), source).properties).toMatchObject(connected)
    expect(producerConfiguration(resolved(), writer).properties).toMatchObject(connected)
    expect(adminConfiguration(resolved(), admin).properties).toMatchObject(connected)
    const sparse = { 'enable.sparse.connections': true }
    expect(consumerConfiguration(resolved({ properties: sparse }), source).properties).toMatchObject(sparse)
    expect(adminConfiguration(resolved({ admin: sparse }), admin).properties).toMatchObject(sparse)
  })

  test('let writers give up a connection on which nobody answers, where they would not do so by themselves', () => {
    expect(producerConfiguration(resolved(), writer).properties).toMatchObject({ 'socket.timeout.ms': 10_000 })
    // Explicit, it must not be longer than the transaction.
    const transactional = { ...writer, transactionalId: 't', transactionTimeoutMs: 3_000 }
    expect(producerConfiguration(resolved(), transactional).properties).not.toHaveProperty(['socket.timeout.ms'])
    const properties = { 'socket.timeout.ms': 20_000 }
    expect(producerConfiguration(resolved({ properties }), writer).properties).toMatchObject(properties)
  })

  test('keep properties of topics apart, which the library would drop among the others', () => {
    const options = resolved({ producer: { 'message.timeout.ms': 9_000, 'request.timeout.ms': 4_000 } })
    expect(producerConfiguration(options, writer).topicProperties).toEqual({
      acks: 'all',
      'message.timeout.ms': 9_000,
      partitioner: 'murmur2_random',
      'request.timeout.ms': 4_000,
    })
    expect(consumerConfiguration(resolved(), source).topicProperties).toEqual({ 'auto.offset.reset': 'error' })
  })

  test('choose range where a member needs the same partition of several topics', () => {
    const classic = resolved()
    expect(consumerConfiguration(classic, { ...source, coLocate: true }).properties).toMatchObject({
      'partition.assignment.strategy': 'range',
    })
    expect(consumerConfiguration(classic, source).properties).toMatchObject({ 'partition.assignment.strategy': 'cooperative-sticky' })
    const consumer = resolved({ groupProtocol: 'consumer' })
    const { properties } = consumerConfiguration(consumer, { ...source, coLocate: true })
    expect(properties).toMatchObject({ 'group.protocol': 'consumer', 'group.remote.assignor': 'range' })
    // Which KIP-848 refuses.
    expect(properties).not.toHaveProperty(['partition.assignment.strategy'])
    expect(consumerConfiguration(consumer, source).properties).toMatchObject({ 'group.remote.assignor': 'uniform' })
  })

  test('name no assignor for a source without a group', () => {
    const { properties } = consumerConfiguration(resolved({ groupProtocol: 'consumer' }), { clientId: 'c', isolation: 'read-committed' })
    expect(properties).toMatchObject({ 'group.id': 'c', 'isolation.level': 'read_committed' })
    expect(properties).not.toHaveProperty(['group.protocol'])
  })

  test('give up records of a transaction no later than the transaction', () => {
    const { properties, topicProperties } = producerConfiguration(resolved(), {
      ...writer,
      transactionalId: 't',
      transactionTimeoutMs: 7_000,
    })
    expect(properties).toMatchObject({ 'transactional.id': 't', 'transaction.timeout.ms': 7_000 })
    expect(topicProperties).toMatchObject({ 'message.timeout.ms': 7_000 })
  })

  test('know how long the session is, where this side decides it', () => {
    expect(sessionTimeoutMs(resolved())).toBe(45_000)
    expect(sessionTimeoutMs(resolved({ properties: { 'session.timeout.ms': 9_000 } }))).toBe(9_000)
    expect(sessionTimeoutMs(resolved({ groupProtocol: 'consumer' }))).toBeUndefined()
  })

  test('tell how long a record is tried', () => {
    expect(deliveryTimeoutMs(resolved())).toBe(40_500)
    expect(deliveryTimeoutMs(resolved({ consumer: { 'session.timeout.ms': 20_000 } }))).toBe(18_000)
    expect(deliveryTimeoutMs(resolved({ consumer: { 'session.timeout.ms': 600_000 } }))).toBe(120_000)
    expect(deliveryTimeoutMs(resolved({ consumer: { 'session.timeout.ms': 6_000 } }))).toBe(10_000)
    expect(deliveryTimeoutMs(resolved({ producer: { 'message.timeout.ms': 5 } }))).toBe(5)
    expect(deliveryTimeoutMs(resolved({ properties: { 'delivery.timeout.ms': '6' } }))).toBe(6)
  })
})

import { describe, expect, test } from 'vitest'
import { kafka } from '../src/index.ts'
import { consumerConfiguration, producerConfiguration } from '../src/client/configuration.ts'
import { resolveOptions } from '../src/kafka-options.ts'

const source = { clientId: 'c', groupId: 'g', isolation: 'read-uncommitted' as const }

describe('the options of kafka()', () => {
  test('pass any client option through, for all clients or one kind', () => {
    const options = resolveOptions({
      brokers: ['a:1', 'b:2'],
      client: { 'security.protocol': 'sasl_ssl', 'sasl.mechanisms': 'PLAIN' },
      consumer: { 'fetch.wait.max.ms': 7 },
      producer: { 'compression.codec': 'zstd', 'message.timeout.ms': 9_000 },
    })
    expect(consumerConfiguration(options, source).client).toMatchObject({
      'bootstrap.servers': 'a:1,b:2',
      'security.protocol': 'sasl_ssl',
      'sasl.mechanisms': 'PLAIN',
      'fetch.wait.max.ms': 7,
    })
    const producer = producerConfiguration(options, { clientId: 'c' })
    expect(producer.client).toMatchObject({ 'security.protocol': 'sasl_ssl', 'compression.codec': 'zstd' })
    // The client drops settings of topics that stand among the others.
    expect(producer.topic).toMatchObject({ 'message.timeout.ms': 9_000, partitioner: 'murmur2_random', acks: 'all' })
  })

  test.each([
    [{ producer: { acks: 1 } }, 'acks'],
    [{ client: { 'request.required.acks': 0 } }, 'request.required.acks'],
    [{ consumer: { 'enable.auto.commit': true } }, 'enable.auto.commit'],
    [{ consumer: { 'enable.auto.offset.store': true } }, 'enable.auto.offset.store'],
    [{ consumer: { 'group.id': 'mine' } }, 'group.id'],
    [{ consumer: { 'partition.assignment.strategy': 'roundrobin' } }, 'partition.assignment.strategy'],
    [{ producer: { 'enable.idempotence': false } }, 'enable.idempotence'],
  ])('refuse %j and say why', (options, name) => {
    expect(() => kafka({ brokers: 'localhost:9092', ...options })).toThrow(new RegExp(`'${name.replaceAll('.', '\\.')}'.*refused: `))
  })

  test('list everything that is wrong at once', () => {
    expect(() => kafka({ brokers: ['nowhere'], producer: { acks: 0 }, connectTimeoutMs: 0 })).toThrow(
      /'nowhere'; write host:port[\s\S]*'acks'[\s\S]*connectTimeoutMs is 0/,
    )
    expect(() => kafka({ brokers: [] })).toThrow('brokers is empty')
  })

  test('accept all in-sync replicas in any spelling, and the protocols in addresses', () => {
    expect(() =>
      kafka({ brokers: 'PLAINTEXT://localhost:9092, [::1]:9093', producer: { acks: 'all' }, client: { acks: -1 } }),
    ).not.toThrow()
  })

  test('choose range assignment where a task needs the same partition of several topics', () => {
    const classic = resolveOptions({ brokers: 'a:1' })
    expect(consumerConfiguration(classic, { ...source, coLocate: true }).client).toMatchObject({ 'partition.assignment.strategy': 'range' })
    expect(consumerConfiguration(classic, source).client).toMatchObject({ 'partition.assignment.strategy': 'cooperative-sticky' })
    const kip848 = resolveOptions({ brokers: 'a:1', groupProtocol: 'consumer' })
    expect(consumerConfiguration(kip848, { ...source, coLocate: true }).client).toMatchObject({
      'group.protocol': 'consumer',
      'group.remote.assignor': 'range',
    })
    expect(consumerConfiguration(kip848, source).client).toMatchObject({ 'group.remote.assignor': 'uniform' })
  })
})

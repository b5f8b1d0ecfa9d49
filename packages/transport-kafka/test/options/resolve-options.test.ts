import { describe, expect, test } from 'vitest'
import { kafka, type KafkaOptions } from '../../src/index.ts'
import { deliveryTimeoutMs } from '../../src/confluent/configuration.ts'
import { memberName } from '../../src/options/member-name.ts'
import { groupSettings } from '../../src/options/packed-properties.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'

const brokers = 'localhost:9092'

describe('the options of kafka()', () => {
  test('have defaults for all but the brokers', () => {
    expect(resolveOptions({ brokers }, {})).toEqual({
      brokers,
      client: 'packed',
      properties: {},
      consumer: {},
      producer: {},
      admin: {},
      groupProtocol: 'classic',
      connectTimeoutMs: 30_000,
      requestTimeoutMs: 30_000,
    })
  })

  test('say which client can not be in worker threads, and what to do instead', () => {
    expect(kafka({ brokers, client: 'packed' }).mainThreadOnly).toBeUndefined()
    expect(kafka({ brokers, client: 'confluent' }).mainThreadOnly).toMatch(
      /can't be used in worker threads: use kafka\(\{ client: 'packed' \}\)/,
    )
  })

  test('name static members of one process apart', () => {
    expect([memberName(undefined, 2), memberName('orders-0', undefined), memberName('orders-0', 2)]).toEqual([
      undefined,
      'orders-0',
      'orders-0-2',
    ])
  })

  test.each([
    ['one string', 'a:1, b:2', 'a:1,b:2'],
    ['an array', ['a:1', 'b:2'], 'a:1,b:2'],
    ['protocols and IPv6', 'SASL_SSL://a.example-1.org:9093,[::1]:9092', 'SASL_SSL://a.example-1.org:9093,[::1]:9092'],
  ])('take brokers as %s', (_, given, resolved) => {
    expect(resolveOptions({ brokers: given }).brokers).toBe(resolved)
  })

  test.each([
    [undefined, 'brokers is missing'],
    ['', 'brokers is missing'],
    [[], 'brokers is missing'],
    ['localhost', "brokers has 'localhost'; write host:port, such as 'localhost:9092'"],
    ['http://localhost:9092', "brokers has 'http://localhost:9092'"],
    ['localhost:0', "brokers has 'localhost:0'"],
    ['localhost:70000', "brokers has 'localhost:70000'"],
    ['a:1,,b:2', "brokers has ''"],
    [[9092], "brokers has '9092'"],
  ])('refuse %j as brokers', (given, message) => {
    expect(() => kafka({ brokers: given } as KafkaOptions)).toThrow(message)
    expect(() => kafka({ brokers: given } as KafkaOptions)).toThrow(TypeError)
  })

  test.each([
    ['producer', 'acks', 1, 'output must be on all in-sync replicas'],
    ['properties', 'request.required.acks', 0, 'output must be on all in-sync replicas'],
    ['consumer', 'enable.auto.commit', true, 'offsets are committed by Millrace'],
    ['consumer', 'enable.auto.offset.store', 'true', 'offsets are committed by Millrace'],
    ['consumer', 'group.id', 'mine', 'it is the applicationId'],
    ['consumer', 'partition.assignment.strategy', 'roundrobin', 'it follows from the topology'],
    ['consumer', 'group.remote.assignor', 'range', 'it follows from the topology'],
    ['consumer', 'group.protocol', 'consumer', 'use the option groupProtocol'],
    ['properties', 'group.instance.id', 'a', 'use the option groupInstanceId'],
    ['consumer', 'auto.offset.reset', 'latest', 'startAt'],
    ['consumer', 'isolation.level', 'read_committed', 'it follows from the processing guarantee'],
    ['producer', 'enable.idempotence', false, 'repeats records or changes their order'],
    ['producer', 'partitioner', 'random', "Kafka's default"],
    ['producer', 'transactional.id', 'mine', 'named after the application'],
    ['producer', 'dr_cb', true, 'the transport listens to it itself'],
    ['admin', 'bootstrap.servers', 'a:1', 'use the option brokers'],
  ])('refuse, in %s, %s = %j and say why', (part, name, value, reason) => {
    expect(() => kafka({ brokers, [part]: { [name]: value } })).toThrow(`${part} sets '${name}', which is refused: `)
    expect(() => kafka({ brokers, [part]: { [name]: value } })).toThrow(reason)
  })

  test.each([
    ['consumer', 'session.timeout.ms', 6_000, 'set group.consumer.session.timeout.ms there'],
    ['properties', 'heartbeat.interval.ms', 500, 'set group.consumer.heartbeat.interval.ms there'],
    ['consumer', 'group.protocol.type', 'consumer', 'leave it out'],
  ])("refuse, with the client confluent, in %s, %s for groups of the protocol 'consumer' alone", (part, name, value, reason) => {
    const options = { brokers, client: 'confluent', [part]: { [name]: value } } as const
    expect(() => kafka({ ...options, groupProtocol: 'consumer' })).toThrow(`${part} sets '${name}', which is refused: `)
    expect(() => kafka({ ...options, groupProtocol: 'consumer' })).toThrow(reason)
    expect(() => kafka({ ...options, groupProtocol: 'consumer' })).toThrow(TypeError)
    expect(() => kafka(options)).not.toThrow()
    expect(() => kafka({ brokers, client: 'confluent', admin: { [name]: value }, groupProtocol: 'consumer' })).not.toThrow()
  })

  test('let the packed client be told what brokers have for sessions of groups of the protocol consumer', () => {
    const consumer = { 'session.timeout.ms': 20_000 }
    const options = resolveOptions({ brokers, client: 'packed', groupProtocol: 'consumer', consumer })
    expect(groupSettings(options, {})).toMatchObject({ groupProtocol: 'consumer', sessionTimeoutMs: 20_000 })
    expect(deliveryTimeoutMs(options)).toBe(18_000)
  })

  test('let pass what says the same as Millrace does', () => {
    const options: KafkaOptions = {
      brokers,
      properties: { acks: -1, 'enable.auto.commit': false },
      consumer: { 'enable.auto.offset.store': 'false', 'enable.partition.eof': true },
      producer: { acks: 'all', 'enable.idempotence': true, partitioner: 'murmur2_random' },
    }
    expect(() => kafka(options)).not.toThrow()
  })

  test('are all told that are wrong', () => {
    const options = {
      brokers: 'nowhere',
      acks: 'all',
      producer: { acks: 0 },
      groupProtocol: 'new',
      connectTimeoutMs: 0,
      requestTimeoutMs: 1.5,
    }
    let message = ''
    try {
      kafka(options as unknown as KafkaOptions)
    } catch (error) {
      message = (error as Error).message
    }
    expect(message.split('\n').slice(1)).toEqual([
      "  - brokers has 'nowhere'; write host:port, such as 'localhost:9092'.",
      "  - there is no option 'acks'; properties of the client go into 'properties', 'consumer', 'producer' or 'admin'.",
      "  - producer sets 'acks', which is refused: output must be on all in-sync replicas before offsets are committed: leave it out, or use 'all'.",
      `  - groupProtocol is "new"; use 'classic' or 'consumer'.`,
      '  - connectTimeoutMs is 0; use a whole number of milliseconds, at least 1.',
      '  - requestTimeoutMs is 1.5; use a whole number of milliseconds, at least 1.',
    ])
  })

  test('are required', () => {
    expect(() => kafka(undefined as unknown as KafkaOptions)).toThrow('brokers is missing')
  })
})

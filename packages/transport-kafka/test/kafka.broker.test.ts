import { silentLogger, type Transport } from '@millrace/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { type ClientProperties, kafka } from '../src/index.ts'
import { Cluster } from './support/cluster.ts'
import { openFlakyDoor } from './support/flaky-door.ts'
import { Program } from './support/program.ts'

const context = { logger: silentLogger }
type ClientName = 'confluent' | 'packed'

/** Why, as each client says it. */
const WORDS = {
  confluent: {
    refused: 'Connect to 127.0.0.1:1 failed: Connection refused',
    unknownHost: "Failed to resolve 'no-such-host.invalid:9092'",
    // The client may only have seen that its connection was closed.
    noTls: /SSL (handshake failed|connection closed by peer)/,
    noLogin: 'OAUTHBEARER mechanism handshake failed',
  },
  packed: {
    refused: 'Broker 127.0.0.1:1 could not be reached: Connection to 127.0.0.1:1 failed. connect ECONNREFUSED 127.0.0.1:1',
    unknownHost: 'getaddrinfo ENOTFOUND no-such-host.invalid',
    noTls: 'TLS handshake failed',
    noLogin: 'it takes no logins here',
  },
} as const
const parts = [
  [
    'source',
    (brokers: string, client: ClientName) =>
      kafka({ brokers, client, connectTimeoutMs: 2_000 }).openSource({ clientId: 'c', groupId: 'g', isolation: 'read-committed' }, context),
  ],
  [
    'writer',
    (brokers: string, client: ClientName) => kafka({ brokers, client, connectTimeoutMs: 2_000 }).openWriter({ clientId: 'c' }, context),
  ],
  [
    'transactional writer',
    (brokers: string, client: ClientName) =>
      kafka({ brokers, client, connectTimeoutMs: 2_000 }).openWriter({ clientId: 'c', transactionalId: 't' }, context),
  ],
  ['admin client', (brokers: string, client: ClientName) => kafka({ brokers, client, connectTimeoutMs: 2_000 }).openAdmin(context)],
] as const

// It is loaded when something is opened first, which takes long here.
beforeAll(() => import('@millrace/kafka-packed'))

describe.each(['confluent', 'packed'] as const)('with the client %s', (client) => {
  const words = WORDS[client]

  describe.concurrent('opening', () => {
    test.each(parts)('a %s where no broker is rejects in time, with the address and the cause', async (_, open) => {
      const began = performance.now()
      await expect(open('127.0.0.1:1', client)).rejects.toMatchObject({
        code: 'BROKER_UNREACHABLE',
        retryable: true,
        message: `Kafka can't be reached at 127.0.0.1:1 within 2 s: ${words.refused}. Is it running, and is the address right?`,
      })
      expect(performance.now() - began).toBeLessThan(7_000)
    })

    describe.each([
      ['source', (transport: Transport) => transport.openSource({ clientId: 'c', groupId: 'g', isolation: 'read-committed' }, context)],
      ['writer', (transport: Transport) => transport.openWriter({ clientId: 'c' }, context)],
      ['admin client', (transport: Transport) => transport.openAdmin(context)],
    ] as const)('a %s', (_, open) => {
      test('while brokers come and go goes on trying until the time is over', async () => {
        await using cluster = new Cluster({ client })
        let asked = 0
        await using door = await openFlakyDoor(cluster.brokers, (__, request) => (request > 0 && asked++ < 3 ? 'drop' : 'pass'))
        const part = await open(kafka({ brokers: door.address, client, connectTimeoutMs: 10_000 }))
        await part.close()
        expect(asked).toBeGreaterThan(3)
      })

      test('whose first request is never answered asks again over another connection before the time is over', async () => {
        await using cluster = new Cluster({ client })
        await using door = await openFlakyDoor(cluster.brokers, (connection) => (connection === 0 ? 'swallow' : 'pass'))
        const part = await open(kafka({ brokers: door.address, client, connectTimeoutMs: 10_000 }))
        await part.close()
      })
    })

    test('at a name that is none says so', async () => {
      const admin = kafka({ brokers: 'no-such-host.invalid:9092', client, connectTimeoutMs: 2_000 }).openAdmin(context)
      await expect(admin).rejects.toThrow(words.unknownHost)
    })
  })

  describe.concurrent('security', () => {
    const open = async (properties: ClientProperties, connectTimeoutMs: number) => {
      await using cluster = new Cluster({ client })
      await kafka({ brokers: cluster.brokers, client, properties, connectTimeoutMs }).openWriter({ clientId: 'c' }, context)
    }
    const oauth = { 'security.protocol': 'sasl_plaintext', 'sasl.mechanisms': 'OAUTHBEARER' }

    test('by TLS is refused by a broker that has none, with the reason', async () => {
      // The client may only have seen that its connection was closed.
      await expect(open({ 'security.protocol': 'ssl' }, 2_000)).rejects.toThrow(words.noTls)
    })

    test('by OAuth is refused by a broker that knows none, with the reason', async () => {
      let asked = 0
      const token = async () => {
        asked++
        return { tokenValue: 'token', lifetime: Date.now() + 3_600_000, principal: 'me', extensions: {} }
      }
      await expect(open({ ...oauth, oauthbearer_token_refresh_cb: token }, 2_000)).rejects.toMatchObject({
        code: 'KAFKA_AUTHENTICATION',
        message: expect.stringContaining(words.noLogin) as unknown,
      })
      // One of both asks the broker first whether it takes tokens at all.
      expect(asked > 0).toBe(client === 'confluent')
    })
  })

  describe('closing', () => {
    test('everything lets the process end', async () => {
      await using cluster = new Cluster({ client })
      await using program = new Program(
        'open-and-close',
        cluster.brokers,
        await cluster.topic(),
        cluster.name(),
        JSON.stringify({ client }),
      )
      expect(await program.exit()).toBe(0)
      expect(program.lines).toEqual(['closed'])
    })

    test('waits for what is under way', async () => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic()
      const source = await cluster.source({ groupId: cluster.name() })
      const committed = source.committed([{ topic, partition: 0 }])
      await source.close()
      expect(await committed).toEqual([])
      const admin = await cluster.transport.openAdmin(context)
      const described = admin.describeTopics([topic])
      await admin.close()
      expect(await described).toMatchObject([{ topic, partitions: 1 }])
      await expect(admin.describeTopics([topic])).rejects.toMatchObject({ code: 'CLOSED' })
    })
  })

  describe('reading without a group', () => {
    test('a topic that does not exist is refused', async () => {
      await using cluster = new Cluster({ client })
      const source = await cluster.source()
      const topic = cluster.name()
      await expect(source.assign([{ topic, partition: 0, offset: 0 }])).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC', topic })
      await expect(source.subscribe([topic], {} as never)).rejects.toThrow("has no group: it can't subscribe")
    })

    test('seeks only where it reads', async () => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic(2)
      const source = await cluster.source()
      await source.assign([{ topic, partition: 0, offset: 0 }])
      await expect(source.seek([{ topic, partition: 1, offset: 0 }])).rejects.toMatchObject({ code: 'NOT_ASSIGNED', topic, partition: 1 })
    })
  })
})

describe('the client confluent', () => {
  test('with properties that the client does not know, or that contradict each other, is a mistake', async () => {
    await using cluster = new Cluster()
    const open = (properties: Record<string, unknown>) =>
      kafka({ brokers: cluster.brokers, client: 'confluent', properties }).openWriter({ clientId: 'c' }, context)
    await expect(open({ 'no.such.property': 1 })).rejects.toThrow(TypeError)
    await expect(open({ 'no.such.property': 1 })).rejects.toThrow('"no.such.property"')
    await expect(open({ 'message.timeout.ms': 5, 'linger.ms': 5_000 })).rejects.toThrow('must be greater than `linger.ms`')
    const reader = kafka({ brokers: cluster.brokers, client: 'confluent', consumer: { 'max.poll.interval.ms': 6_000 } })
    const opened = reader.openSource({ clientId: 'c', groupId: 'g', isolation: 'read-committed' }, context)
    await expect(opened).rejects.toThrow(TypeError)
    await expect(opened).rejects.toThrow('must be >= `session.timeout.ms`')
  })
})

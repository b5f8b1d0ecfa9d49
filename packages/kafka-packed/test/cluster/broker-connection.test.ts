import { describe, expect, it } from 'vitest'
import { PackedReader, PackedWriter } from '../../src/index.ts'
import { KEY, WireBroker, type WireAnswer } from '../support/wire-broker.ts'

/** That a mechanism is taken: no error, and nothing else, in the bytes of a request that has no tags. */
const TAKEN = Buffer.alloc(6)

function login(broker: WireBroker, mechanism: 'PLAIN' | 'SCRAM-SHA-256', requestTimeoutMs = 60_000): Promise<PackedReader> {
  const sasl = { mechanism, username: 'alice', password: 'wonderland' }
  return PackedReader.open({ brokers: broker.brokers, sasl, connectTimeoutMs: 60_000, requestTimeoutMs })
}

describe('a login', () => {
  it.each([
    ['PLAIN', KEY.saslHandshake, 'silence', 'timed-out'],
    ['PLAIN', KEY.saslAuthenticate, 'silence', 'timed-out'],
    ['SCRAM-SHA-256', KEY.saslHandshake, 'silence', 'timed-out'],
    ['SCRAM-SHA-256', KEY.saslAuthenticate, 'silence', 'timed-out'],
    ['SCRAM-SHA-256', KEY.saslHandshake, 'cut', 'unreachable'],
    ['SCRAM-SHA-256', KEY.saslAuthenticate, 'cut', 'unreachable'],
  ] as const)('by %s whose request %i is answered by %s is not refused, but %s', async (mechanism, key, answer, kind) => {
    await using broker = await WireBroker.open()
    broker.answers.set(KEY.saslHandshake, () => TAKEN)
    broker.answers.set(key, (): WireAnswer => answer)
    await expect(login(broker, mechanism, answer === 'silence' ? 200 : undefined)).rejects.toMatchObject({ kind, retriable: true })
  })

  it('by what a broker does not speak is refused', async () => {
    await using broker = await WireBroker.open()
    // No such mechanism.
    broker.answers.set(KEY.saslHandshake, () => Buffer.from([0, 33, 0, 0, 0, 0]))
    await expect(login(broker, 'PLAIN')).rejects.toMatchObject({ kind: 'authentication', retriable: false })
  })

  it('that is refused says why, and by what the broker lets clients in', async () => {
    await using broker = await WireBroker.open()
    const names = ['GSSAPI', 'OAUTHBEARER'].map((name) => Buffer.concat([Buffer.of(0, name.length), Buffer.from(name)]))
    broker.answers.set(KEY.saslHandshake, () => Buffer.concat([Buffer.from([0, 33, 0, 0, 0, 2]), ...names]))
    await expect(login(broker, 'PLAIN')).rejects.toThrow(/does not support the requested SASL mechanism: it takes GSSAPI, OAUTHBEARER$/)
    broker.answers.set(KEY.saslHandshake, () => Buffer.from([0, 34, 0, 0, 0, 0]))
    await expect(login(broker, 'PLAIN')).rejects.toThrow(/: it takes no logins here$/)
  })
})

describe('opening', () => {
  it.each([
    ['a reader', PackedReader, KEY.apiVersions],
    ['a reader', PackedReader, KEY.metadata],
    ['a writer', PackedWriter, KEY.initProducerId],
  ])('%s rejects when it takes too long, with the addresses', async (_, client, key) => {
    await using broker = await WireBroker.open()
    broker.answers.set(key, (): WireAnswer => 'silence')
    const [{ host, port } = { host: '', port: 0 }] = broker.brokers
    await expect(client.open({ brokers: broker.brokers, requestTimeoutMs: 60_000, openTimeoutMs: 500 })).rejects.toMatchObject({
      kind: 'timed-out',
      retriable: true,
      message: `Nobody has answered in time at ${host}:${port}.`,
    })
  })
})

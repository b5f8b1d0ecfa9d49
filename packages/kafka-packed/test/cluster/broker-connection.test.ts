import { describe, expect, it } from 'vitest'
import { PackedReader } from '../../src/index.ts'
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
})

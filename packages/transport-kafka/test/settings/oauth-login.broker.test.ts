import { silentLogger, type Transport } from '@millrace/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSecureBroker } from '../../../../tools/broker/secure-broker.mjs'
import { kafka } from '../../src/index.ts'
import { batchOf, readValues } from '../support/cluster.ts'

const LIMIT_MS = 120_000
const context = { logger: silentLogger }

let broker: Awaited<ReturnType<typeof openSecureBroker>>
beforeAll(async () => {
  broker = await openSecureBroker({ user: 'alice', password: 'wonderland', loginMs: 60_000 })
}, LIMIT_MS)
afterAll(() => broker.stop())

/** As an identity provider would give it, but unsigned, which Kafka's validator for tests takes. */
function unsigned(user: string): string {
  const seconds = Math.floor(Date.now() / 1_000)
  const parts = [{ alg: 'none' }, { sub: user, iat: seconds - 10, exp: seconds + 3_600 }]
  return `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`
}

async function exchange(transport: Transport, topic: string): Promise<void> {
  await using admin = await transport.openAdmin(context)
  await admin.createTopics([{ topic, partitions: 1, config: { 'cleanup.policy': 'compact' } }])
  expect((await admin.topicSettings?.([topic]))?.byTopic.get(topic)).toMatchObject({ 'cleanup.policy': 'compact' })
  await using writer = await transport.openWriter({ clientId: 'c' }, context)
  await writer.writeBatch(batchOf(topic, [{ key: 'a', value: 'by a token' }]))
  expect(await writer.flush()).toEqual([])
  await using source = await transport.openSource({ clientId: 'c', isolation: 'read-committed' }, context)
  await source.assign([{ topic, partition: 0, offset: 0 }])
  expect(await readValues(source, 1)).toEqual(['by a token'])
}

describe.each(['confluent', 'packed'] as const)('with the client %s', { timeout: LIMIT_MS }, (client) => {
  test('a token that the callback gives lets in who writes, who reads, who administers, and who looks at settings', async () => {
    let asked = 0
    const oauthbearer_token_refresh_cb = async () => {
      asked++
      return { tokenValue: unsigned('alice'), lifetime: Date.now() + 3_600_000, principal: 'alice' }
    }
    const properties = { 'security.protocol': 'sasl_plaintext', 'sasl.mechanisms': 'OAUTHBEARER', oauthbearer_token_refresh_cb }
    await exchange(kafka({ brokers: `127.0.0.1:${broker.plainPort}`, client, properties }), `topic-${client}`)
    expect(asked).toBeGreaterThan(2)
  })
  test('a callback that fails ends opening with its reason, and not the process', async () => {
    const oauthbearer_token_refresh_cb = () => Promise.reject(new Error('no token today'))
    const properties = { 'security.protocol': 'sasl_plaintext', 'sasl.mechanisms': 'OAUTHBEARER', oauthbearer_token_refresh_cb }
    const transport = kafka({ brokers: `127.0.0.1:${broker.plainPort}`, client, properties, connectTimeoutMs: 2_000 })
    await expect(transport.openWriter({ clientId: 'c' }, context)).rejects.toThrow('no token today')
  })
})

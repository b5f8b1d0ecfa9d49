import { silentLogger } from '@millrace/core'
import { describe, expect, inject, test } from 'vitest'
import { kafka } from '../../src/index.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { readSettings } from '../../src/settings/read-settings.ts'
import { Cluster } from '../support/cluster.ts'

const brokers = inject('kafkaBrokers')

describe.each(['confluent', 'packed'] as const)('with the client %s', (client) => {
  test('settings are those in force: what a topic was created with, else what the broker says', async () => {
    await using cluster = new Cluster({ client })
    const [topic, plain] = [await cluster.topic(1, { 'cleanup.policy': 'compact,delete' }), await cluster.topic(3)]
    const { byTopic, unknownBecause } = (await (await cluster.admin()).topicSettings?.([topic, cluster.name(), plain])) ?? {}
    expect(unknownBecause).toBeUndefined()
    expect([...(byTopic?.keys() ?? [])].toSorted()).toEqual([topic, plain].toSorted())
    expect(byTopic?.get(topic)).toMatchObject({ 'cleanup.policy': 'compact,delete', 'message.timestamp.type': 'CreateTime' })
    expect(byTopic?.get(plain)).toMatchObject({ 'cleanup.policy': 'delete', 'delete.retention.ms': '86400000' })
  })

  test('a client that is closed, or has no topic to ask for, asks nobody', async () => {
    const admin = await kafka({ brokers, client }).openAdmin({ logger: silentLogger })
    expect((await admin.topicSettings?.([]))?.byTopic.size).toBe(0)
    await admin.close()
    await expect(admin.topicSettings?.(['a'])).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('a login that the broker does not know is a reason for not knowing settings', async () => {
    const properties = {
      'security.protocol': 'sasl_plaintext',
      'sasl.mechanism': 'PLAIN',
      'sasl.username': 'me',
      'sasl.password': 'secret',
    }
    expect(await readSettings(['any'], resolveOptions({ brokers, client, properties }))).toEqual({
      byTopic: new Map(),
      unknownBecause: expect.stringMatching(/the broker answers (ILLEGAL_SASL_STATE|UNSUPPORTED_SASL_MECHANISM)/) as unknown,
    })
  })
})

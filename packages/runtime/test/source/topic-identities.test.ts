import { describe, expect, test } from 'vitest'
import { ManualClock, MillraceError, silentLogger, type TransportAdmin } from '@millrace/core'
import { TopicIdentities } from '../../src/source/topic-identities.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

function watching(ids: Record<string, string | undefined>) {
  const clock = new ManualClock()
  const failures: unknown[] = []
  let asked = 0
  const admin = {
    describeTopics: async (topics: readonly string[]) => {
      asked++
      if (ids['away'] !== undefined) throw new MillraceError('BROKER_UNREACHABLE', 'away', { stage: 'source', retryable: true })
      return topics.flatMap((topic) => (topic in ids ? [{ topic, id: ids[topic], partitions: 1 }] : []))
    },
  } as unknown as TransportAdmin
  const identities = new TopicIdentities({ admin, clock, logger: silentLogger, fail: (error) => failures.push(error) })
  return { identities, failures, asked: () => asked, pass: (ms: number) => clock.advance(ms, async () => void (await turn())) }
}

describe('the topics that are read', () => {
  test('stop the application when one is another under its name, also after it was away, and brokers were', async () => {
    const ids: Record<string, string | undefined> = { in: '1', other: '2' }
    const { identities, failures, pass } = watching(ids)
    await identities.note(['in', 'in', 'other'])
    await pass(20_000)
    delete ids['in']
    await pass(5_000)
    ids['away'] = 'yes'
    await pass(5_000)
    delete ids['away']
    expect(failures).toEqual([])
    ids['in'] = '3'
    await pass(5_000)
    expect(failures).toEqual([expect.objectContaining({ code: 'TOPIC_RECREATED', topic: 'in', retryable: false })])
  })

  test('are noted anew once no partition of them is left', async () => {
    const ids = { in: '1', other: '2' }
    const { identities, failures, pass } = watching(ids)
    await identities.note(['in', 'other'])
    ids.in = '3'
    identities.retain(new Set(['other']))
    await identities.note(['in'])
    await pass(5_000)
    expect(failures).toEqual([])
    ids.other = '4'
    // A partition of it is assigned before anybody has looked.
    await identities.note(['other'])
    expect(failures).toHaveLength(1)
  })

  test('are not looked at where they have no ids, nor after the end', async () => {
    const without = watching({ in: undefined })
    await without.identities.note(['in'])
    await without.pass(20_000)
    expect(without.asked()).toBe(1)
    const stopped = watching({ in: '1' })
    await stopped.identities.note(['in'])
    stopped.identities.stop()
    await stopped.pass(20_000)
    expect(stopped.asked()).toBe(1)
  })
})

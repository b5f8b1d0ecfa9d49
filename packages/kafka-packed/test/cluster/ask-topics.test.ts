import { ManualClock } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import type { AdminContext } from '../../src/admin/admin-context.ts'
import { topicConfigs } from '../../src/admin/config-calls.ts'
import { describeTopics } from '../../src/admin/topic-calls.ts'
import { Cluster } from '../../src/cluster/cluster.ts'
import { resolveConnectOptions } from '../../src/cluster/connection-options.ts'
import { type PackedError, TopicLookup } from '../../src/index.ts'
import { ByteWriter } from '../../src/wire/byte-writer.ts'
import { KEY, type WireTopic } from '../support/wire-broker.ts'
import { WirePair } from '../support/wire-pair.ts'

const WAIT = { timeout: 20_000, interval: 5 }
const THERE: WireTopic = { name: 't', partitions: [{ leader: 2, epoch: 0 }] }
const UNKNOWN: WireTopic = { name: 't', code: 3, partitions: [] }
const [NO_SUCH_TOPIC, TOPIC] = [3, 2]

interface Opened extends AsyncDisposable {
  readonly pair: WirePair
  readonly clock: ManualClock
  readonly context: AdminContext
}

/** Of brokers of which the first is asked first. Time stands still unless it is moved. */
async function open(ofFirst: WireTopic, ofSecond: WireTopic): Promise<Opened> {
  const pair = await WirePair.open(ofFirst)
  pair.second.topics = [ofSecond]
  const options = resolveConnectOptions({ brokers: pair.first.brokers }, [])
  const clock = new ManualClock()
  const cluster = new Cluster(options, clock)
  return {
    pair,
    clock,
    context: { cluster, options, clock },
    [Symbol.asyncDispose]: async () => {
      cluster.close()
      await pair[Symbol.asyncDispose]()
    },
  }
}

function settings(code: number): Buffer {
  const out = new ByteWriter().int32(0)
  out.array([code], (one) => {
    out.int16(one).string(null).int8(TOPIC).string('t')
    out.array([], () => {}).noTags()
  })
  return out.noTags().finish()
}

describe('a topic that not every broker knows yet', () => {
  it('exists', async () => {
    await using opened = await open(UNKNOWN, THERE)
    expect(await describeTopics(opened.context, ['t'])).toMatchObject([{ topic: 't', partitions: 1, ready: true }])
    const lookup = new TopicLookup({ brokers: opened.pair.first.brokers })
    // Again and again, since a broker that takes a second to answer counts for nothing.
    await expect.poll(() => lookup.existing(['t']), WAIT).toEqual(['t'])
    lookup.close()
  })

  it('has settings, in a moment', async () => {
    await using opened = await open(UNKNOWN, THERE)
    const { clock, context, pair } = opened
    const { first } = pair
    const codes = [NO_SUCH_TOPIC, 0]
    first.versions.set(KEY.describeConfigs, [4, 4])
    first.answers.set(KEY.describeConfigs, () => settings(codes.shift() ?? 0))
    let told: unknown
    const asked = topicConfigs(context, ['t']).then((configs) => {
      told = configs
    })
    const passing = async (): Promise<unknown> => {
      await clock.advance(10)
      return told
    }
    await expect.poll(passing, WAIT).toEqual(new Map([['t', {}]]))
    await asked
    expect(first.count(KEY.describeConfigs)).toBe(2)
  })
})

describe('a topic that no broker knows', () => {
  it('does not exist, and has no settings', async () => {
    await using opened = await open(UNKNOWN, UNKNOWN)
    const { context, pair } = opened
    pair.first.versions.set(KEY.describeConfigs, [4, 4])
    pair.first.answers.set(KEY.describeConfigs, () => settings(NO_SUCH_TOPIC))
    expect(await describeTopics(context, ['t'])).toEqual([])
    expect(pair.second.count(KEY.metadata)).toBeGreaterThan(0)
    await expect(topicConfigs(context, ['t'])).rejects.toMatchObject({ kind: 'unknown-topic' })
  })

  it('does not exist, either, when a broker that may know it is away', async () => {
    await using opened = await open(UNKNOWN, THERE)
    opened.pair.second.answers.set(KEY.metadata, () => 'cut')
    expect(await describeTopics(opened.context, ['t'])).toEqual([])
  })

  it('does not count as missing to who was closed', async () => {
    await using opened = await open(UNKNOWN, THERE)
    const { context, pair } = opened
    pair.second.answers.set(KEY.metadata, () => 'silence')
    const asked = describeTopics(context, ['t']).catch((error: unknown) => (error as PackedError).kind)
    await expect.poll(() => pair.second.count(KEY.metadata), WAIT).toBe(1)
    context.cluster.close()
    expect(await asked).toBe('closed')
  })
})

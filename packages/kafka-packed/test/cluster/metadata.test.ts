import { ManualClock } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { Cluster } from '../../src/cluster/cluster.ts'
import { ClusterMetadata } from '../../src/cluster/cluster-metadata.ts'
import { resolveConnectOptions } from '../../src/cluster/connection-options.ts'
import { LeaderSearch } from '../../src/cluster/leader-search.ts'
import { PackedReader, PackedWriter } from '../../src/index.ts'
import { KEY, WireBroker } from '../support/wire-broker.ts'

const BROKERS = [{ nodeId: 1, host: 'a', port: 1 }]

function answer(topicId: string, ...leaders: readonly (readonly [leader: number, epoch: number])[]) {
  const partitions = leaders.map(([leaderId, leaderEpoch], partitionIndex) => ({ partitionIndex, leaderId, leaderEpoch }))
  return { brokers: BROKERS, controllerId: 1, topics: [{ name: 't', errorCode: 0, topicId, partitions }] }
}

describe('what is known of a topic', () => {
  it('is not replaced by what is older, unless the topic was made anew', () => {
    const metadata = new ClusterMetadata()
    metadata.take(answer('id-1', [1, 7], [2, 7]))
    metadata.take(answer('id-1', [3, 6], [3, 8]))
    expect([metadata.leadership('t', 0), metadata.leadership('t', 1)]).toEqual([
      { leader: 1, epoch: 7 },
      { leader: 3, epoch: 8 },
    ])
    metadata.take(answer('id-2', [2, 0]))
    expect([metadata.leadership('t', 0), metadata.leadership('t', 1)]).toEqual([{ leader: 2, epoch: 0 }, undefined])
  })
})

describe('a search for leaders', () => {
  it.each([
    ['that have none', { name: 'none', code: 3, partitions: [] }],
    ['whose leader is none of the brokers', { name: 'none', partitions: [{ leader: 9, epoch: 0 }] }],
  ])('is not held up by partitions %s, and leaves time between questions for them', async (_name, topic) => {
    await using broker = await WireBroker.open(topic)
    const clock = new ManualClock()
    const cluster = new Cluster(resolveConnectOptions({ brokers: broker.brokers }, []), clock)
    cluster.track(['none'])
    let done = (): void => {}
    const search = new LeaderSearch(cluster, {
      partitions: new Map([['none 0', { topic: 'none', partition: 0 }]]),
      clock,
      onRefused: () => {},
      onDone: () => done(),
    })
    const ended = (): Promise<void> =>
      new Promise((resolve) => {
        done = resolve
      })
    // Time stands still: nothing that waits would end.
    for (let i = 0; i < 3; i++) {
      const end = ended()
      search.begin()
      await end
    }
    expect(broker.count(KEY.metadata)).toBe(3)
    const end = ended()
    search.beginForLeaderless()
    expect(search.isUnderWay).toBe(false)
    await clock.advance(2_000)
    await end
    expect(broker.count(KEY.metadata)).toBe(4)
    cluster.close()
  })

  it('ends when what is answered can not be read', async () => {
    await using broker = await WireBroker.open({ name: 't', partitions: [{ leader: -1, epoch: 0 }] })
    await using reader = await PackedReader.open({ brokers: broker.brokers })
    broker.answers.set(KEY.metadata, () => Buffer.from([0, 0]))
    reader.assign([{ topic: 't', partition: 0, offset: 0 }])
    await expect(reader.poll(1, 20_000)).rejects.toMatchObject({ kind: 'malformed' })
  })
})

describe('a question to any broker', () => {
  it('goes to another when one is silent for a second, and from then on to that one first', async () => {
    await using frozen = await WireBroker.open()
    await using other = await WireBroker.open({ name: 't', partitions: [] })
    frozen.answers.set(KEY.metadata, () => 'silence')
    const clock = new ManualClock()
    const cluster = new Cluster(resolveConnectOptions({ brokers: [...frozen.brokers, ...other.brokers] }, []), clock)
    const first = cluster.topics(['t'])
    await expect.poll(() => frozen.count(KEY.metadata), { timeout: 20_000 }).toBe(1)
    await clock.advance(999)
    expect(other.count(KEY.metadata)).toBe(0)
    await clock.advance(1)
    expect(await first).toMatchObject([{ name: 't' }])
    // Time stands still.
    expect(await cluster.topics(['t'])).toMatchObject([{ name: 't' }])
    expect([frozen.count(KEY.metadata), other.count(KEY.metadata)]).toEqual([1, 2])
    cluster.close()
  })
})

describe('options', () => {
  const wrong = { brokers: [{ host: '', port: 0 }], sasl: { mechanism: 'NONE' }, requestTimeoutMs: Number.NaN, clientld: 'x' }

  it('of a writer are checked, all at once', async () => {
    const given = { ...wrong, compression: 'zip', lingerMs: -1, batchBytes: 0 } as never
    await expect(PackedWriter.open(given)).rejects.toThrow(
      /clientld.*clientId[^]*brokers\[0\]\.host[^]*brokers\[0\]\.port[^]*PLAIN[^]*requestTimeoutMs is NaN[^]*compression is "zip"[^]*lingerMs[^]*batchBytes/,
    )
  })

  it('of a reader are checked, all at once', async () => {
    const given = { ...wrong, brokers: [], isolation: 'all', checkCrcs: 1, maxPollBytes: 0.5 } as never
    await expect(PackedReader.open(given)).rejects.toThrow(
      /clientld[^]*brokers is an array; name at least one[^]*isolation is "all"[^]*checkCrcs is 1[^]*maxPollBytes is 0\.5/,
    )
  })
})

import { ManualClock, viewColumn } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { PackedReader, PackedWriter, type ReaderStatistics, type WriterStatistics } from '../../src/index.ts'
import { placed, record, sealed } from '../support/records.ts'
import { fetched, KEY, produced, WireBroker } from '../support/wire-broker.ts'

const TOPIC = 't'
const STATISTICS_MS = 1_000

function brokerOf(): Promise<WireBroker> {
  return WireBroker.open({ name: TOPIC, partitions: [{ leader: 1, epoch: 0 }] })
}

describe('statistics', () => {
  it('of a writer are told again and again, until it is closed', async () => {
    await using broker = await brokerOf()
    const clock = new ManualClock()
    const told: WriterStatistics[] = []
    const onStatistics = (statistics: WriterStatistics): void => {
      told.push(statistics)
    }
    const writer = await PackedWriter.open({ brokers: broker.brokers, clock, onStatistics, statisticsMs: STATISTICS_MS, lingerMs: 60_000 })
    const answers = [0, 87]
    broker.answers.set(KEY.produce, () => produced([{ topic: TOPIC, partition: 0, code: answers.shift() ?? 0 }]))
    const values = viewColumn([Buffer.from('a'), Buffer.from('b')])
    for (let i = 0; i < 2; i++) {
      await writer.write({ topic: TOPIC, length: 2, keys: values, values, timestamps: [1, 1] })
      await writer.flush()
    }
    await writer.write({ topic: TOPIC, length: 2, keys: values, values, timestamps: [1, 1] })
    await clock.advance(STATISTICS_MS)
    expect(told).toEqual([
      { requests: 2, batches: 1, records: 2, bytes: expect.any(Number) as number, retries: 0, failedRecords: 2, bufferedBytes: 36 },
    ])
    await clock.advance(STATISTICS_MS)
    expect(told).toHaveLength(2)
    await writer.close()
    await clock.advance(STATISTICS_MS)
    expect(told).toHaveLength(2)
  })

  it('of a reader are told again and again, until it is closed', async () => {
    await using broker = await brokerOf()
    const records = placed(sealed([record('a'), record('b')]), 0)
    let asked = 0
    broker.answers.set(KEY.fetch, () => (++asked === 1 ? fetched([{ topic: TOPIC, partition: 0, end: 2, records }]) : 'silence'))
    const clock = new ManualClock()
    const told: ReaderStatistics[] = []
    const onStatistics = (statistics: ReaderStatistics): void => {
      told.push(statistics)
    }
    const reader = await PackedReader.open({ brokers: broker.brokers, clock, onStatistics, statisticsMs: STATISTICS_MS })
    reader.assign([{ topic: TOPIC, partition: 0, offset: 0 }])
    expect((await reader.poll(1, 20_000)).batches).toHaveLength(1)
    await clock.advance(STATISTICS_MS)
    expect(told).toEqual([
      {
        fetched: new Map([[1, { answers: 1, bytes: records.length }]]),
        bufferedBytes: records.length,
        partitions: [{ topic: TOPIC, partition: 0, position: 1, endOffset: 2 }],
      },
    ])
    await reader.close()
    await clock.advance(STATISTICS_MS)
    expect(told).toHaveLength(1)
  })
})

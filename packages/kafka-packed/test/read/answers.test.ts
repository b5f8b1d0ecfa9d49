import { bytesAt, ManualClock } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { PackedReader, type ReaderOptions, type ReadResult } from '../../src/index.ts'
import { placed, record, sealed } from '../support/records.ts'
import { type FetchedAnswer, fetched, KEY, readFetch, WireBroker, type WireAnswer, type WireRequest } from '../support/wire-broker.ts'

const [TOPIC, OTHER] = ['t', 'other']
const WAIT_MS = 20_000
const LEADERS = [
  { leader: 1, epoch: 0 },
  { leader: 1, epoch: 0 },
]

function open(broker: WireBroker, options: Partial<ReaderOptions> = {}): Promise<PackedReader> {
  return PackedReader.open({ brokers: broker.brokers, ...options })
}

function brokerOf(): Promise<WireBroker> {
  return WireBroker.open({ name: TOPIC, partitions: LEADERS })
}

/** Answers what is asked for, partition by partition; nothing at all where there is no answer for any. */
function answering(broker: WireBroker, answer: (partition: number, offset: number) => Partial<FetchedAnswer> | undefined): void {
  broker.answers.set(KEY.fetch, ({ body }: WireRequest): WireAnswer => {
    const answers = readFetch(body).flatMap(({ topic, partition, offset }) => {
      const of = answer(partition, offset)
      return of === undefined ? [] : [{ topic, partition, ...of }]
    })
    return answers.length === 0 ? 'silence' : fetched(answers)
  })
}

function records(offset: number, ...values: string[]): Partial<FetchedAnswer> {
  return { end: offset + values.length, records: placed(sealed(values.map((value) => record(value))), offset) }
}

function at(partition: number, offset: number): { topic: string; partition: number; offset: number } {
  return { topic: TOPIC, partition, offset }
}

function values({ batches }: ReadResult): string[] {
  return batches.flatMap(({ length, values: column }) => Array.from({ length }, (_, i) => Buffer.from(bytesAt(column, i) ?? []).toString()))
}

/** Past what is told of ends. */
async function pollRecords(reader: PackedReader): Promise<ReadResult> {
  for (;;) {
    const result = await reader.poll(1, WAIT_MS)
    if (result.batches.length > 0) return result
  }
}

describe('a reader', () => {
  it('asks again where a broker says that it does not know why it failed, or leaves a partition out', async () => {
    await using broker = await brokerOf()
    let asked = 0
    broker.answers.set(KEY.fetch, () => {
      asked++
      if (asked === 1) return fetched([{ topic: TOPIC, partition: 0, code: -1 }])
      return asked === 2 ? fetched([]) : fetched([{ topic: TOPIC, partition: 0, ...records(0, 'a') }])
    })
    await using reader = await open(broker)
    reader.assign([at(0, 0)])
    expect(values(await reader.poll(1, WAIT_MS))).toEqual(['a'])
  })

  it('waits before it asks a leader again that names a replica nobody knows', async () => {
    await using broker = await brokerOf()
    answering(broker, () => ({ preferredReplica: 9 }))
    const clock = new ManualClock()
    await using reader = await open(broker, { clock, rack: 'here' })
    reader.assign([at(0, 0)])
    // The cluster is asked who that is.
    await expect.poll(() => broker.asked, { timeout: WAIT_MS }).toEqual([KEY.metadata, KEY.fetch, KEY.metadata])
    await clock.advance(100)
    await expect.poll(() => broker.count(KEY.fetch), { timeout: WAIT_MS }).toBe(2)
  })

  it('tells once that it may not read a topic, and goes on with others', async () => {
    await using broker = await WireBroker.open({ name: TOPIC, partitions: LEADERS }, { name: OTHER, code: 29, partitions: [] })
    answering(broker, () => records(0, 'a'))
    await using reader = await open(broker)
    reader.assign([{ topic: OTHER, partition: 0, offset: 0 }])
    const { failures } = await reader.poll(1, WAIT_MS)
    expect(failures).toMatchObject([{ topic: OTHER, partition: 0, error: { kind: 'not-authorized', code: 29 } }])
    reader.add([at(0, 0)])
    const next = await reader.poll(1, WAIT_MS)
    expect([values(next), next.failures]).toEqual([['a'], []])
  })

  it('tells that answers can not be read, when three in a row can not', async () => {
    await using broker = await brokerOf()
    broker.answers.set(KEY.fetch, () => Buffer.from([0, 0]))
    await using reader = await open(broker)
    reader.assign([at(0, 0)])
    expect((await reader.poll(1, WAIT_MS)).failures).toMatchObject([{ partition: 0, error: { kind: 'malformed' } }])
    expect(broker.count(KEY.fetch)).toBe(3)
  })

  it('goes on at once where it was sought, whatever waits for records', async () => {
    await using broker = await brokerOf()
    answering(broker, (_partition, offset) => (offset === 7 ? records(7, 'sought') : undefined))
    await using reader = await open(broker)
    reader.assign([at(0, 0)])
    await expect.poll(() => broker.count(KEY.fetch), { timeout: WAIT_MS }).toBe(1)
    reader.add([at(1, 0)])
    await expect.poll(() => broker.count(KEY.fetch), { timeout: WAIT_MS }).toBe(2)
    reader.seek([at(0, 7)])
    expect(values(await reader.poll(1, WAIT_MS))).toEqual(['sought'])
  })

  it('forgets the end that was told before a seek', async () => {
    await using broker = await brokerOf()
    answering(broker, (_partition, offset) => (offset === 0 ? records(0, 'a') : offset === 1 ? { end: 1 } : undefined))
    await using reader = await open(broker)
    reader.assign([at(0, 0)])
    expect(values(await reader.poll(1, WAIT_MS))).toEqual(['a'])
    expect((await reader.poll(1, WAIT_MS)).ends).toEqual([at(0, 1)])
    reader.seek([at(0, 5)])
    expect((await reader.poll(1, 1)).ends).toEqual([])
  })

  it('keeps what it has read ahead while a partition is paused', async () => {
    await using broker = await brokerOf()
    const once = new Set<number>()
    answering(broker, (_partition, offset) => {
      if (once.has(offset)) return undefined
      once.add(offset)
      return offset === 0 ? records(0, 'ahead') : undefined
    })
    await using reader = await open(broker)
    reader.assign([at(0, 0)])
    await expect.poll(() => reader.statistics().bufferedBytes, { timeout: WAIT_MS }).toBeGreaterThan(0)
    reader.pause([at(0, 0)])
    expect((await reader.poll(1, 1)).batches).toEqual([])
    reader.resume([at(0, 0)])
    expect(values(await reader.poll(1, WAIT_MS))).toEqual(['ahead'])
  })

  it('drops what it has read ahead of paused partitions when others need the room', async () => {
    await using broker = await brokerOf()
    answering(broker, (partition, offset) => (offset === 0 ? records(0, `of ${partition}`) : { end: 1 }))
    await using reader = await open(broker, { maxPartitionBytes: 50, maxBufferedBytes: 60 })
    reader.assign([at(0, 0)])
    await expect.poll(() => reader.statistics().bufferedBytes, { timeout: WAIT_MS }).toBeGreaterThan(0)
    reader.pause([at(0, 0)])
    reader.add([at(1, 0)])
    expect(values(await reader.poll(1, WAIT_MS))).toEqual(['of 1'])
    reader.resume([at(0, 0)])
    expect(values(await pollRecords(reader))).toEqual(['of 0'])
  })

  it('hands out no more bytes at once than it may', async () => {
    await using broker = await brokerOf()
    answering(broker, (partition, offset) => (offset === 0 ? records(0, `of ${partition}`) : undefined))
    await using reader = await open(broker, { maxPollBytes: 1 })
    reader.assign([at(0, 0), at(1, 0)])
    await expect.poll(() => reader.statistics().bufferedBytes, { timeout: WAIT_MS }).toBeGreaterThan(100)
    expect(values(await reader.poll(10, WAIT_MS))).toEqual(['of 0'])
    expect(values(await reader.poll(10, WAIT_MS))).toEqual(['of 1'])
  })
})

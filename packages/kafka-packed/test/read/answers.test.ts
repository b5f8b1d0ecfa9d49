import { bytesAt, ManualClock } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { PackedReader, type ReaderOptions, type ReadResult } from '../../src/index.ts'
import { placed, record, sealed } from '../support/records.ts'
import {
  type FetchedAnswer,
  type FetchedFrom,
  fetched,
  KEY,
  listed,
  readFetch,
  readListOffsets,
  WireBroker,
  type WireAnswer,
  type WireRequest,
} from '../support/wire-broker.ts'

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

/** One record a batch, each of its leader's time. */
function ofEpochs(offset: number, ...epochs: number[]): Partial<FetchedAnswer> {
  const batches = epochs.map((epoch, i) => placed(sealed([record(`${offset + i}`)]), offset + i, epoch))
  return { end: offset + epochs.length, records: Buffer.concat(batches) }
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
    expect(result.failures).toEqual([])
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

  it('reads from every broker, however many there are whose requests wait for records', async () => {
    await using broker = await brokerOf()
    broker.nodes = [1, 2, 3, 4, 5]
    broker.topics = [{ name: TOPIC, partitions: broker.nodes.map((leader) => ({ leader, epoch: 0 })) }]
    answering(broker, (partition) => (partition === 4 ? records(0, 'of the last') : undefined))
    await using reader = await open(broker, { maxPartitionBytes: 100, maxBufferedBytes: 400 })
    reader.assign(broker.nodes.map((_, partition) => at(partition, 0)))
    expect(values(await reader.poll(1, WAIT_MS))).toEqual(['of the last'])
  })

  it('gives up a topic that is gone for longer than a request may take', async () => {
    await using broker = await brokerOf()
    answering(broker, () => ({ code: 3 }))
    const clock = new ManualClock()
    await using reader = await open(broker, { clock, requestTimeoutMs: 5_000 })
    reader.assign([at(0, 0)])
    broker.topics = [{ name: TOPIC, code: 3, partitions: [] }]
    let failures: ReadResult['failures'] = []
    const passed = async (): Promise<number> => {
      await clock.advance(1_000)
      failures = [...failures, ...(await reader.poll(1, 0)).failures]
      return failures.length
    }
    await expect.poll(passed, { timeout: WAIT_MS }).toBe(1)
    expect(failures).toMatchObject([{ topic: TOPIC, partition: 0, error: { kind: 'unknown-topic' } }])
    expect(clock.monotonic()).toBeGreaterThanOrEqual(5_000)
  })

  it('does not go on in a topic that was made anew, until it is sought there', async () => {
    await using broker = await brokerOf()
    let code = 0
    answering(broker, (_partition, offset) => (code === 0 ? records(offset, `at ${offset}`) : { code }))
    await using reader = await open(broker, { maxPartitionBytes: 1 })
    reader.assign([at(0, 0)])
    expect(values(await reader.poll(1, WAIT_MS))).toEqual(['at 0'])
    broker.topics = [{ name: TOPIC, id: 2, partitions: LEADERS }]
    // As of a leader that is asked for another epoch than its own.
    code = 75
    const told = async (): Promise<ReadResult['failures']> => (await reader.poll(100, 100)).failures
    await expect
      .poll(told, { timeout: WAIT_MS })
      .toMatchObject([{ error: { kind: 'truncated', message: expect.stringContaining('anew') as string } }])
    code = 0
    reader.seek([at(0, 7)])
    expect(values(await reader.poll(1, WAIT_MS))).toEqual(['at 7'])
  })

  it('asks for offsets of the leader it knows, so that one that leads no more does not tell where its own log ended', async () => {
    await using broker = await WireBroker.open({ name: TOPIC, partitions: [{ leader: 1, epoch: 7 }] })
    const asked: number[] = []
    broker.answers.set(KEY.listOffsets, ({ body }: WireRequest) => {
      asked.push(readListOffsets(body))
      if (asked.length > 1) return listed(TOPIC, 0, { offset: 5 })
      broker.topics = [{ name: TOPIC, partitions: [{ leader: 1, epoch: 8 }] }]
      return listed(TOPIC, 0, { code: 74 })
    })
    await using reader = await open(broker)
    expect(await reader.listOffsets([{ topic: TOPIC, partition: 0 }], 'end')).toEqual([at(0, 5)])
    expect(asked).toEqual([7, 8])
  })
})

describe('a reader whose partition has lost records', () => {
  /** What is asked for is answered in turn, and nothing behind. */
  function inTurn(broker: WireBroker, ...answers: Partial<FetchedAnswer>[]): FetchedFrom[] {
    const asked: FetchedFrom[] = []
    broker.answers.set(KEY.fetch, ({ body }: WireRequest): WireAnswer => {
      const [from] = readFetch(body)
      const answer = answers.shift()
      if (from === undefined || answer === undefined) return 'silence'
      asked.push(from)
      return fetched([{ topic: TOPIC, partition: 0, ...answer }])
    })
    return asked
  }

  it('says so where the log has others of earlier leaders in their place, however long it is', async () => {
    await using broker = await brokerOf()
    inTurn(broker, ofEpochs(0, 2, 5, 5), { diverging: { epoch: 3, endOffset: 100 } })
    await using reader = await open(broker)
    reader.assign([at(0, 0)])
    expect(values(await reader.poll(3, WAIT_MS))).toEqual(['0', '1', '2'])
    const message = expect.stringContaining('from offset 1 on') as string
    const told = async (): Promise<ReadResult['failures']> => (await reader.poll(1, 100)).failures
    await expect.poll(told, { timeout: WAIT_MS }).toMatchObject([{ error: { kind: 'truncated', message } }])
  })

  it('reads on where only what was read ahead is lost, and still notices what is lost before it', async () => {
    await using broker = await brokerOf()
    const asked = inTurn(broker, ofEpochs(0, 3, 3, 5), { diverging: { epoch: 4, endOffset: 100 } }, ofEpochs(2, 6))
    await using reader = await open(broker)
    reader.assign([at(0, 0)])
    expect(values(await reader.poll(2, WAIT_MS))).toEqual(['0', '1'])
    const rest = async (): Promise<string[]> => values(await reader.poll(1, 100))
    await expect.poll(() => asked.length, { timeout: WAIT_MS }).toBe(3)
    await expect.poll(rest, { timeout: WAIT_MS }).toEqual(['2'])
    expect(asked.map(({ offset, fetchedEpoch }) => [offset, fetchedEpoch])).toEqual([
      [0, -1],
      [3, 5],
      [2, 3],
    ])
    expect(reader.positions()).toEqual([{ ...at(0, 3), leaderEpoch: 6 }])
    expect([0, 1, 2, 3].map((offset) => reader.positionAt(at(0, offset)).leaderEpoch)).toEqual([undefined, 3, 3, 6])
  })

  it('does not believe it of a replica, which may only be behind', async () => {
    await using broker = await brokerOf()
    broker.nodes = [1, 2]
    inTurn(broker, ofEpochs(0, 0), { preferredReplica: 2 }, { diverging: { epoch: 0, endOffset: 0 } }, ofEpochs(1, 0))
    await using reader = await open(broker, { rack: 'here' })
    reader.assign([at(0, 0)])
    expect(values(await reader.poll(1, WAIT_MS))).toEqual(['0'])
    expect(values(await pollRecords(reader))).toEqual(['1'])
  })
})

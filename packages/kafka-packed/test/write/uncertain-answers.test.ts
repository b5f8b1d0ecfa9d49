import { ManualClock, viewColumn } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { PackedWriter, type RecordDelivery, type WriteFailed, type WriterOptions } from '../../src/index.ts'
import { isSettled } from '../support/transactional-writer.ts'
import { KEY, produced, type ProducedBatch, readProduce, WireBroker, type WireAnswer, type WireRequest } from '../support/wire-broker.ts'

const TOPIC = 't'

function open(broker: WireBroker, options: Partial<WriterOptions> = {}): Promise<PackedWriter> {
  return PackedWriter.open({ brokers: broker.brokers, lingerMs: 0, ...options })
}

async function write(writer: PackedWriter, ...values: string[]): Promise<RecordDelivery[]> {
  const deliveries: RecordDelivery[] = []
  const columns = { keys: viewColumn(values.map((value) => Buffer.from(value))), values: viewColumn(values.map(() => null)) }
  await writer.write({
    topic: TOPIC,
    length: values.length,
    ...columns,
    timestamps: values.map((_, i) => 1_000 + i),
    onDelivered: (row, delivery) => {
      deliveries[row] = delivery
    },
  })
  return deliveries
}

function brokerOf(partitions = 1): Promise<WireBroker> {
  return WireBroker.open({ name: TOPIC, partitions: Array.from({ length: partitions }, () => ({ leader: 1, epoch: 0 })) })
}

/** Answers requests to write one after the other as told, and those behind them with success. Says what was sent. */
function answering(broker: WireBroker, ...answers: readonly ((batch: ProducedBatch) => WireAnswer)[]): ProducedBatch[] {
  const sent: ProducedBatch[] = []
  const waiting = [...answers]
  broker.answers.set(KEY.produce, ({ body }: WireRequest) => {
    const [batch] = readProduce(body)
    if (batch === undefined) throw new Error('there is no batch')
    sent.push(batch)
    return (waiting.shift() ?? code(0))(batch)
  })
  return sent
}

function code(of: number, more: object = {}): (batch: ProducedBatch) => WireAnswer {
  return ({ topic, partition }) => produced([{ topic, partition, code: of, ...more }])
}

function kinds(failures: readonly WriteFailed[]): object[] {
  return failures.map(({ records, error }) => ({ records, kind: error.kind }))
}

describe('a batch that may have been written', () => {
  const doubtful: readonly (readonly [string, (batch: ProducedBatch) => WireAnswer])[] = [
    ['6, of a leader that led no more when replicas had it', code(6)],
    ['56, of a disk that failed', code(56)],
    ['7, of replicas that took too long', code(7)],
    ['an answer without the partition', () => produced([])],
  ]
  it.each(doubtful)(
    'fails rather than follow a lost one under a new identity, while one that was surely refused goes on: %s',
    async (_name, answer) => {
      await using broker = await brokerOf()
      const sent = answering(broker, code(0), code(87), answer, code(45))
      await using writer = await open(broker, { batchBytes: 1 })
      await write(writer, 'known')
      await writer.flush()
      await write(writer, 'lost', 'doubtful', 'refused')
      expect(kinds(await writer.flush())).toEqual([
        { records: 1, kind: 'record-refused' },
        { records: 1, kind: 'sequence-broken' },
      ])
      expect(sent.map(({ producerId, sequence }) => [producerId, sequence])).toEqual([
        [100, 0],
        [100, 1],
        [100, 2],
        [100, 3],
        [101, 0],
      ])
    },
  )

  it('is sent again as it was when its bytes were damaged on the way', async () => {
    await using broker = await brokerOf()
    const sent = answering(broker, code(2))
    await using writer = await open(broker)
    await write(writer, 'a')
    expect(await writer.flush()).toEqual([])
    expect(sent.map(({ producerId, sequence }) => [producerId, sequence])).toEqual([
      [100, 0],
      [100, 0],
    ])
  })

  it('fails when its answers can not be read, three times in a row', async () => {
    await using broker = await brokerOf()
    const damaged = (): WireAnswer => Buffer.from([255, 255, 255])
    const sent = answering(broker, damaged, damaged, damaged)
    await using writer = await open(broker)
    await write(writer, 'a')
    expect(kinds(await writer.flush())).toEqual([{ records: 1, kind: 'malformed' }])
    expect(sent).toHaveLength(3)
  })
})

describe('a batch that a broker does not take because it has forgotten this writer', () => {
  it.each([45, 59])('goes on under another identity where it was surely not written, before what follows it (%i)', async (forgotten) => {
    await using broker = await brokerOf()
    const sent = answering(broker, code(0), code(forgotten), code(45))
    await using writer = await open(broker, { batchBytes: 1 })
    await write(writer, 'known')
    await writer.flush()
    await write(writer, 'a', 'b')
    expect(await writer.flush()).toEqual([])
    expect(sent.map(({ producerId, sequence }) => [producerId, sequence])).toEqual([
      [100, 0],
      [100, 1],
      [100, 2],
      [101, 0],
      [101, 1],
    ])
  })

  it('has failed where it may have been written before', async () => {
    await using broker = await brokerOf()
    const sent = answering(broker, code(0), code(7), code(59))
    await using writer = await open(broker)
    await write(writer, 'known')
    await writer.flush()
    await write(writer, 'doubtful')
    expect(kinds(await writer.flush())).toEqual([{ records: 1, kind: 'sequence-broken' }])
    expect(sent).toHaveLength(3)
  })
})

describe('a record that was not written', () => {
  it('is named: by its key and its row, and others of its batch as failed with it', async () => {
    await using broker = await brokerOf()
    answering(broker, code(87, { refused: [{ index: 1, message: 'no good' }] }))
    await using writer = await open(broker)
    const deliveries = await write(writer, 'fine', 'wrong')
    const [failure] = await writer.flush()
    expect(failure).toMatchObject({ records: 2, record: { index: 1, timestamp: 1_001 }, refused: [{ index: 1, message: 'no good' }] })
    expect(Buffer.from(failure?.record.key ?? []).toString()).toBe('wrong')
    expect(deliveries.map(({ partition, error }) => [partition, error?.kind])).toEqual([
      [0, 'record-refused'],
      [0, 'record-refused'],
    ])
    expect(deliveries.map(({ error }) => error?.message.includes('no good'))).toEqual([false, true])
  })

  it('is told where it is if it was written, also of a batch that was halved', async () => {
    await using broker = await brokerOf()
    answering(broker, code(10), code(0, { baseOffset: 40 }), code(0, { baseOffset: 50 }))
    await using writer = await open(broker)
    const deliveries = await write(writer, 'a', 'b', 'c')
    expect(await writer.flush()).toEqual([])
    expect(deliveries).toEqual([40, 41, 50].map((offset) => ({ partition: 0, offset })))
  })

  it('is told with what came of it last, if its time is over', async () => {
    await using broker = await brokerOf()
    const clock = new ManualClock()
    broker.answers.set(KEY.produce, ({ body }) => code(19)((readProduce(body) as [ProducedBatch])[0]))
    await using writer = await open(broker, { clock, deliveryTimeoutMs: 1_000 })
    await write(writer, 'a')
    const flushed = writer.flush()
    await expect.poll(() => isSettled(flushed, () => clock.advance(100)), { timeout: 20_000 }).toBe(true)
    const message = expect.stringMatching(/within 1000 ms\. What was said last: Kafka refused .* \(code 19\)\.$/) as string
    expect(await flushed).toMatchObject([{ records: 1, error: { kind: 'timed-out', code: 0, message, cause: { code: 19 } } }])
  })

  it('is told by closing, if no flush has told it', async () => {
    await using broker = await brokerOf()
    answering(broker, code(87))
    const writer = await open(broker)
    await write(writer, 'a')
    expect(kinds(await writer.close())).toEqual([{ records: 1, kind: 'record-refused' }])
    expect(await writer.close()).toHaveLength(1)
    await expect(write(writer, 'b')).rejects.toMatchObject({ kind: 'closed' })
  })

  it('is told by closing when nothing can be written any more', async () => {
    await using broker = await brokerOf()
    const writer = await open(broker)
    // A broker that speaks no version of ours.
    broker.answers.set(KEY.produce, () => 'cut')
    broker.answers.set(KEY.apiVersions, () => Buffer.from([0, 0, 1, 0, 0, 0, 0, 0]))
    const deliveries = await write(writer, 'a', 'b')
    await expect(writer.flush()).rejects.toMatchObject({ kind: 'unsupported' })
    expect(kinds(await writer.close())).toEqual([{ records: 2, kind: 'unsupported' }])
    expect(deliveries.map(({ error }) => error?.kind)).toEqual(['unsupported', 'unsupported'])
  })

  it('makes leaving the block of `await using` reject', async () => {
    await using broker = await brokerOf()
    answering(broker, code(87))
    const use = async (): Promise<void> => {
      await using writer = await open(broker)
      await write(writer, 'a')
    }
    await expect(use()).rejects.toMatchObject({ kind: 'record-refused' })
  })

  it('is told to everybody else when somebody who is told throws, and the writer is over', async () => {
    await using broker = await brokerOf()
    const writer = await open(broker)
    const told: number[] = []
    const columns = { keys: viewColumn([null, null]), values: viewColumn([null, null]), timestamps: [1, 2] }
    const onDelivered = (row: number): void => {
      told.push(row)
      throw new Error('mine')
    }
    await writer.write({ topic: TOPIC, length: 2, ...columns, onDelivered })
    await expect(writer.flush()).rejects.toMatchObject({ kind: 'fatal', message: expect.stringContaining('mine') as string })
    expect(told).toEqual([0, 1])
    expect(writer.bufferedBytes).toBe(0)
    await writer.close()
  })

  it('is told at once of a topic that this client may not see', async () => {
    await using broker = await brokerOf()
    await using writer = await open(broker)
    await write(writer, 'known')
    await writer.flush()
    broker.topics = [{ name: 'other', code: 29, partitions: [] }]
    const columns = { keys: viewColumn([null]), values: viewColumn([null]), timestamps: [1] }
    await expect(writer.write({ topic: 'other', length: 1, ...columns })).rejects.toMatchObject({ kind: 'not-authorized', code: 29 })
  })
})

describe('flushes', () => {
  it('wait for what was written before them alone, and each tells what failed of that', async () => {
    await using broker = await brokerOf()
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let requests = 0
    broker.answers.set(KEY.produce, async ({ body }: WireRequest) => {
      const [batch] = readProduce(body) as [ProducedBatch]
      requests++
      if (requests === 2) await held
      return code(requests === 1 ? 87 : 0)(batch)
    })
    await using writer = await open(broker)
    await write(writer, 'refused')
    const [first, second] = [writer.flush(), writer.flush()]
    await write(writer, 'later')
    const third = writer.flush()
    expect(kinds(await first)).toEqual([{ records: 1, kind: 'record-refused' }])
    expect(kinds(await second)).toEqual([{ records: 1, kind: 'record-refused' }])
    release()
    await third
    expect(await writer.flush()).toEqual([])
  })
})

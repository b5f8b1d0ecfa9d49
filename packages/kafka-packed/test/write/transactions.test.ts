import { viewColumn } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { PackedWriter } from '../../src/index.ts'
import { ended, KEY, produced, type ProducedBatch, readProduce, WireBroker, type WireRequest } from '../support/wire-broker.ts'

const TOPIC = 't'

async function open(): Promise<{ readonly broker: WireBroker; readonly writer: PackedWriter } & AsyncDisposable> {
  const broker = await WireBroker.open({ name: TOPIC, partitions: [{ leader: 1, epoch: 0 }] })
  const writer = await PackedWriter.open({ brokers: broker.brokers, lingerMs: 60_000, transactionalId: 'id' })
  return {
    broker,
    writer,
    [Symbol.asyncDispose]: async () => {
      await writer.close()
      await broker[Symbol.asyncDispose]()
    },
  }
}

function write(writer: PackedWriter, value: string): Promise<void> {
  return writer.write({ topic: TOPIC, length: 1, keys: viewColumn([null]), values: viewColumn([Buffer.from(value)]), timestamps: [1] })
}

/** What is sent, each answered by its code, and those behind with success. */
function answering(broker: WireBroker, ...codes: number[]): ProducedBatch[] {
  const sent: ProducedBatch[] = []
  broker.answers.set(KEY.produce, ({ body }: WireRequest) => {
    const [batch] = readProduce(body) as [ProducedBatch]
    sent.push(batch)
    return produced([{ topic: TOPIC, partition: 0, code: codes.shift() ?? 0 }])
  })
  return sent
}

describe('a writer of transactions, on a cluster without KIP-890', () => {
  it('adds partitions once a transaction before it writes to them, and ends nothing in which there was nothing', async () => {
    await using both = await open()
    const { broker, writer } = both
    broker.asked.length = 0
    writer.begin()
    await write(writer, 'a')
    await writer.flush()
    await write(writer, 'b')
    await writer.commit()
    writer.begin()
    await writer.commit()
    const { addPartitions, produce, endTransaction } = KEY
    expect(broker.asked.filter((key) => key !== KEY.metadata)).toEqual([addPartitions, produce, produce, endTransaction])
  })

  it('commits nothing of which a record was refused, and after it was aborted goes on under the next epoch', async () => {
    await using both = await open()
    const { broker, writer } = both
    const sent = answering(broker, 0, 87)
    writer.begin()
    await write(writer, 'fine')
    await writer.flush()
    await write(writer, 'refused')
    await expect(writer.commit()).rejects.toMatchObject({ kind: 'abortable', code: 87, retriable: false })
    await expect(write(writer, 'more')).rejects.toMatchObject({ kind: 'abortable' })
    expect(broker.count(KEY.endTransaction)).toBe(0)
    await writer.abort()
    writer.begin()
    await write(writer, 'again')
    await writer.commit()
    expect(sent.map(({ producerId, sequence }) => [producerId, sequence])).toEqual([
      [100, 0],
      [100, 1],
      [101, 0],
    ])
  })

  it('goes on under its numbers after an abort in which nothing was lost, and drops what was not sent', async () => {
    await using both = await open()
    const { broker, writer } = both
    const sent = answering(broker)
    writer.begin()
    await write(writer, 'a')
    await writer.flush()
    const written = write(writer, 'dropped')
    await Promise.all([written, writer.abort()])
    writer.begin()
    await write(writer, 'b')
    await writer.commit()
    expect(sent.map(({ producerId, sequence }) => [producerId, sequence])).toEqual([
      [100, 0],
      [100, 1],
    ])
  })

  it.each([
    ['writing', KEY.produce],
    ['ending', KEY.endTransaction],
  ])('is over when it is fenced while %s', async (_name, key) => {
    await using both = await open()
    const { broker, writer } = both
    if (key === KEY.produce) answering(broker, 47)
    else broker.answers.set(key, () => ended(90))
    writer.begin()
    await write(writer, 'a')
    await expect(writer.commit()).rejects.toMatchObject({ kind: 'fenced', retriable: false })
    await expect(writer.abort()).rejects.toMatchObject({ kind: 'fenced' })
    expect(() => writer.begin()).toThrow('taken over')
  })

  it('may commit again when it was not answered', async () => {
    await using both = await open()
    const { broker, writer } = both
    let asked = 0
    broker.answers.set(KEY.endTransaction, () => {
      asked++
      return asked === 1 ? 'cut' : ended(asked === 2 ? 51 : 0)
    })
    writer.begin()
    await write(writer, 'a')
    await writer.commit()
    expect(asked).toBe(3)
  })

  it('says what comes in the wrong order', async () => {
    await using both = await open()
    const { writer } = both
    await expect(write(writer, 'a')).rejects.toThrow('begin() comes before')
    await expect(writer.commit()).rejects.toThrow("commit() comes behind begin(); the state is 'none'")
    await expect(writer.abort()).rejects.toThrow('abort() comes behind begin()')
    writer.begin()
    expect(() => writer.begin()).toThrow('this one is open')
  })
})

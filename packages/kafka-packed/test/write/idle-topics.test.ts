import { ManualClock, viewColumn } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { PackedReader, PackedWriter } from '../../src/index.ts'
import { KEY, produced, type ProducedBatch, readMetadata, readProduce, WireBroker, type WireRequest } from '../support/wire-broker.ts'

const LEADERS = [{ leader: 1, epoch: 0 }]
const MAX_AGE_MS = 1_000

/** What clients ask of topics, in turn: of others nothing is answered. */
function asking(broker: WireBroker): (readonly string[])[] {
  const asked: (readonly string[])[] = []
  const { topics } = broker
  broker.answers.set(KEY.metadata, (request: WireRequest) => {
    const names = readMetadata(request.body)
    asked.push(names)
    broker.topics = topics.filter(({ name }) => names.includes(name))
    return broker.usual(request)
  })
  return asked
}

describe('a topic that is used no more', () => {
  it('is forgotten by a writer that meets another, and is written under another identity when it comes back', async () => {
    await using broker = await WireBroker.open({ name: 'one', partitions: LEADERS }, { name: 'two', partitions: LEADERS })
    const asked = asking(broker)
    const sent: ProducedBatch[] = []
    broker.answers.set(KEY.produce, ({ body }: WireRequest) => {
      const batches = readProduce(body)
      sent.push(...batches)
      return produced(batches.map(({ topic, partition }) => ({ topic, partition, code: 0 })))
    })
    const clock = new ManualClock()
    await using writer = await PackedWriter.open({ brokers: broker.brokers, clock, metadataMaxAgeMs: MAX_AGE_MS })
    const write = async (topic: string): Promise<void> => {
      await writer.write({ topic, length: 1, keys: viewColumn([null]), values: viewColumn([null]), timestamps: [1] })
      expect(await writer.flush()).toEqual([])
    }
    await write('one')
    await write('one')
    await clock.advance(MAX_AGE_MS + 1)
    await write('two')
    expect(asked.at(-1)).toEqual(['two'])
    await write('one')
    expect(sent.map(({ topic, producerId, sequence }) => [topic, producerId, sequence])).toEqual([
      ['one', 100, 0],
      ['one', 100, 1],
      ['two', 101, 0],
      ['one', 101, 0],
    ])
  })

  it('is forgotten by a reader', async () => {
    await using broker = await WireBroker.open({ name: 'one', partitions: LEADERS }, { name: 'two', partitions: LEADERS })
    const asked = asking(broker)
    await using reader = await PackedReader.open({ brokers: broker.brokers })
    reader.assign([{ topic: 'one', partition: 0, offset: 0 }])
    await expect.poll(() => asked.at(-1), { timeout: 20_000 }).toEqual(['one'])
    reader.assign([{ topic: 'two', partition: 0, offset: 0 }])
    await expect.poll(() => asked.at(-1), { timeout: 20_000 }).toEqual(['two'])
  })
})

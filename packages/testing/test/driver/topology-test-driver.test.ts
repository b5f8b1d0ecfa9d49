import { describe, expect, test } from 'vitest'
import { BatchCountAggregator, type Processor, serdes, TopologyBuilder, viewColumn } from '@millrace/core'
import { inMemory } from '@millrace/store-memory'
import { TopologyTestDriver } from '../../src/index.ts'

const text = { key: serdes.nullable(serdes.string), value: serdes.string }
const totals = { key: serdes.string, value: serdes.safeInt64 }
const counts = inMemory.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })

function wordCount() {
  const builder = new TopologyBuilder('word-count')
  builder
    .source('lines', { topics: ['lines'], ...text })
    .flatMap('split', (line) => line.value.split(' ').map((word) => ({ ...line, key: word })))
    .repartition('by-word', { key: serdes.string, value: serdes.string })
    .process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
    .sink('totals', { topic: 'word-counts', ...totals })
  return builder.build()
}

describe('the test driver', () => {
  test('counts words in ten lines of a test', async () => {
    await using driver = await TopologyTestDriver.start(wordCount())
    const lines = driver.input('lines', text)
    await lines.send({ key: null, value: 'to be or not to be' })
    expect(await driver.output('word-counts', totals).readToMap()).toEqual(
      new Map([
        ['to', 2],
        ['be', 2],
        ['or', 1],
        ['not', 1],
      ]),
    )
    expect(await driver.store(counts).get('be')).toBe(2)
  })

  test('reads only what came since the last read', async () => {
    await using driver = await TopologyTestDriver.start(wordCount())
    const lines = driver.input('lines', text)
    const output = driver.output('word-counts', totals)
    await lines.send({ key: null, value: 'a' })
    expect(await output.readKeyValues()).toEqual([['a', 1]])
    await lines.send({ key: null, value: 'a b' })
    expect(await output.readKeyValues()).toEqual([
      ['a', 2],
      ['b', 1],
    ])
    expect(await output.readKeyValues()).toEqual([])
  })

  test('shows the batches that were cut', async () => {
    const sizes: number[] = []
    await using driver = await TopologyTestDriver.start(wordCount(), {
      batchSize: 2,
      observer: (event) => {
        if (event.type === 'cut' && event.topic === 'lines') sizes.push(event.records)
      },
    })
    await driver.input('lines', text).sendAll(['a', 'b', 'c'].map((value) => ({ key: null, value })))
    expect(sizes).toEqual([2, 1])
  })

  test('moves the wall clock by hand: punctuators fire at their times, once for all that was missed', async () => {
    const builder = new TopologyBuilder('ticks')
    const stream = builder.source('in', { topics: ['in'], ...text })
    const tick: Processor<string | null, string, string, string> = {
      init: (context) => {
        context.schedule(1_000, 'wall-clock', (time) => context.forward({ key: 'tick', value: String(time), timestamp: time }))
      },
      process: () => undefined,
    }
    stream.process('tick', { create: () => tick }).sink('out', { topic: 'out', key: serdes.string, value: serdes.string })
    await using driver = await TopologyTestDriver.start(builder.build(), { startMs: 500 })
    const output = driver.output('out', { key: serdes.string, value: serdes.string })
    await driver.advanceWallClock(999)
    expect(await output.readKeyValues()).toEqual([])
    await driver.advanceWallClock(2_001)
    expect(await output.readKeyValues()).toEqual([
      ['tick', '1500'],
      ['tick', '2500'],
      ['tick', '3500'],
    ])
  })

  test('what a processor throws comes out of send, with the record it was about', async () => {
    const builder = new TopologyBuilder('fails')
    builder
      .source('in', { topics: ['in'], ...text })
      .map('refuse', (record) => {
        if (record.value === 'bad') throw new Error('no such thing')
        return record
      })
      .sink('out', { topic: 'out', ...text })
    await using driver = await TopologyTestDriver.start(builder.build())
    const input = driver.input('in', text)
    await input.send({ key: null, value: 'good' })
    await expect(input.sendAll(['good', 'bad', 'good'].map((value) => ({ key: null, value })))).rejects.toMatchObject({
      code: 'PROCESSING_FAILED',
      node: 'refuse',
      topic: 'in',
      partition: 0,
      offset: 2,
      message: "Node 'refuse' failed at in-0, offset 2: no such thing",
    })
    expect(driver.app.state).toMatch(/error/)
  })

  test('waits for neither retries nor a circuit breaker that is open', async () => {
    const states: string[] = []
    let calls = 0
    const builder = new TopologyBuilder('failing')
    builder.source('in', { topics: ['in'], ...text }).process('work', () => {
      if (++calls < 4) throw new Error('away')
    })
    await using driver = await TopologyTestDriver.start(builder.build(), {
      observer: (event) => void (event.type === 'circuit' && states.push(event.to)),
      definition: { failure: { circuitBreaker: { minimum: 2 } } },
    })
    await driver.input('in', text).send({ key: null, value: 'a' })
    expect(calls).toBe(4)
    expect(states).toEqual(['open', 'half-open', 'open', 'half-open', 'closed'])
  })

  test('a record that cannot be decoded stops the application with an error that names it, after what came before it', async () => {
    const builder = new TopologyBuilder('strict')
    builder
      .source('in', { topics: ['in'], key: serdes.nullable(serdes.string), value: serdes.int32 })
      .sink('out', { topic: 'out', key: text.key, value: serdes.int32 })
    await using driver = await TopologyTestDriver.start(builder.build())
    const input = driver.input('in', { key: text.key, value: serdes.int32 })
    const values = [Buffer.from([0, 0, 0, 1]), Buffer.from([9])]
    await expect(input.sendBytes(viewColumn([null, null]), viewColumn(values), [{}, {}])).rejects.toMatchObject({
      code: 'RECORD_UNDECODABLE',
      topic: 'in',
      partition: 0,
      offset: 1,
    })
  })

  test('refuses to read a topic that does not exist', async () => {
    await using driver = await TopologyTestDriver.start(wordCount())
    await expect(driver.output('nothing', totals).readAll()).rejects.toThrow("There is no topic 'nothing'")
  })
})

import { describe, expect, test } from 'vitest'
import { output, type Processor, serdes, TopologyBuilder } from 'millrace'
import { inMemory } from 'millrace/memory'
import { TopologyTestDriver } from 'millrace/testing'

const text = { key: serdes.string, value: serdes.string }

describe('sinks', () => {
  test('write each record to the topic that a function chooses, in order within each', async () => {
    const builder = new TopologyBuilder('dynamic')
    builder.source('in', { topics: ['in'], ...text }).sink('out', { topic: (record) => `out-${record.key}`, ...text })
    await using driver = await TopologyTestDriver.start(builder.build(), { topics: ['out-a', 'out-b'], batchSize: 3 })
    await driver.input('in', text).sendAll(['a1', 'b1', 'a2', 'b2', 'a3'].map((value) => ({ key: value.slice(0, 1), value })))
    expect((await driver.output('out-a', text).readAll()).map(({ value }) => value)).toEqual(['a1', 'a2', 'a3'])
    expect((await driver.output('out-b', text).readAll()).map(({ value }) => value)).toEqual(['b1', 'b2'])
  })

  test('name the topic that a function chose and that does not exist', async () => {
    const builder = new TopologyBuilder('dynamic')
    builder.source('in', { topics: ['in'], ...text }).sink('out', { topic: () => 'nowhere', ...text })
    await using driver = await TopologyTestDriver.start(builder.build())
    await expect(driver.input('in', text).send({ key: 'k', value: 'v' })).rejects.toMatchObject({ code: 'TOPIC_MISSING', topic: 'nowhere' })
  })

  test('write to the partition that a partitioner chooses, and leave what it does not choose to the default', async () => {
    const builder = new TopologyBuilder('partitioner')
    builder
      .source('in', { topics: ['in'], ...text })
      .sink('out', { topic: 'out', ...text, partitioner: (record, partitions) => (record.key === 'last' ? partitions - 1 : undefined) })
    await using driver = await TopologyTestDriver.start(builder.build(), { partitions: 4 })
    await driver.input('in', text).sendAll([
      { key: 'last', value: 'chosen' },
      { key: '21', value: 'by key' },
    ])
    const out = await driver.output('out', text).readAll()
    // murmur2 of "21" is -973932308: without its sign, modulo 4, that is 0.
    expect(out.map(({ value, partition }) => [value, partition])).toEqual([
      ['by key', (-973_932_308 & 0x7fff_ffff) % 4],
      ['chosen', 3],
    ])
  })

  test('name the record, the sink and the choice when a partitioner chooses a partition that is not there', async () => {
    const builder = new TopologyBuilder('partitioner')
    builder.source('in', { topics: ['in'], ...text }).sink('out', { topic: 'out', ...text, partitioner: () => 7 })
    await using driver = await TopologyTestDriver.start(builder.build())
    await expect(driver.input('in', text).send({ key: 'k', value: 'v' })).rejects.toThrow(
      /sink 'out' chose partition 7 of topic 'out', which has 1.*in-0, offset 0/,
    )
  })

  test('name the record whose value they cannot write', async () => {
    const builder = new TopologyBuilder('types')
    builder
      .source('in', { topics: ['in'], ...text })
      .mapValues('number', (value) => Number(value))
      .sink('out', { topic: 'out', key: serdes.string, value: serdes.int32 })
    await using driver = await TopologyTestDriver.start(builder.build())
    const sending = driver.input('in', text).sendAll(['1', '2', 'three'].map((value) => ({ key: 'k', value })))
    await expect(sending).rejects.toMatchObject({ code: 'SERIALIZATION_FAILED', node: 'out', topic: 'in', offset: 2 })
  })
})

describe('sources', () => {
  test('read every topic that a pattern matches', async () => {
    const builder = new TopologyBuilder('pattern')
    builder.source('orders', { topics: [/^orders-/], ...text }).sink('out', { topic: 'out', ...text })
    await using driver = await TopologyTestDriver.start(builder.build(), { topics: ['orders-eu', 'orders-us'] })
    await driver.input('orders-eu', text).send({ key: 'k', value: 'eu' })
    await driver.input('orders-us', text).send({ key: 'k', value: 'us' })
    expect((await driver.output('out', text).readAll()).map(({ value }) => value)).toEqual(['eu', 'us'])
  })

  test('take the event time from the record', async () => {
    const builder = new TopologyBuilder('time')
    builder.source('in', { topics: ['in'], ...text, timestamp: (record) => Number(record.value) }).sink('out', { topic: 'out', ...text })
    await using driver = await TopologyTestDriver.start(builder.build())
    await driver.input('in', text).send({ key: 'k', value: '12345' })
    expect((await driver.output('out', text).readAll())[0]?.timestamp).toBe(12_345)
  })
})

describe('nodes', () => {
  test('send records to named outputs, typed', async () => {
    const parse: Processor<string, string, string, number, { invalid: ReturnType<typeof output<string, string>> }> = {
      process(record, context) {
        const value = Number(record.value)
        if (Number.isInteger(value)) context.forward({ ...record, value })
        else context.to.invalid.forward(record)
      },
    }
    const builder = new TopologyBuilder('named')
    const parsed = builder
      .source('in', { topics: ['in'], ...text })
      .process('parse', { create: () => parse, outputs: { invalid: output<string, string>() } })
    parsed.sink('numbers', { topic: 'numbers', key: serdes.string, value: serdes.int32 })
    parsed.to.invalid.sink('invalid', { topic: 'invalid', ...text })
    await using driver = await TopologyTestDriver.start(builder.build())
    await driver.input('in', text).sendAll(['1', 'x', '2'].map((value) => ({ key: 'k', value })))
    expect(await driver.output('numbers', { key: serdes.string, value: serdes.int32 }).readKeyValues()).toEqual([
      ['k', 1],
      ['k', 2],
    ])
    expect(await driver.output('invalid', text).readKeyValues()).toEqual([['k', 'x']])
  })

  test('that share a store in one pass take records one at a time, so that each sees what the other wrote for the record before', async () => {
    const seen = inMemory.keyValueStore({ name: 'seen', key: serdes.string, value: serdes.int32 })
    const add: Processor<string, string> = {
      process(record, context) {
        const store = context.store(seen)
        const count = (store.get('count') ?? 0) + 1
        store.set('count', count)
        context.forward({ ...record, value: `${record.value}:${count}` })
      },
    }
    const builder = new TopologyBuilder('shared')
    builder
      .source('in', { topics: ['in'], ...text })
      .process('first', { create: () => add, stores: [seen] })
      .process('second', { create: () => add, stores: [seen] })
      .sink('out', { topic: 'out', ...text })
    await using driver = await TopologyTestDriver.start(builder.build(), { batchSize: 100 })
    await driver.input('in', text).sendAll(['a', 'b', 'c'].map((value) => ({ key: 'k', value })))
    expect((await driver.output('out', text).readAll()).map(({ value }) => value)).toEqual(['a:1:2', 'b:3:4', 'c:5:6'])
  })

  test('are made anew for each task, and closed with it', async () => {
    const closed: string[] = []
    const builder = new TopologyBuilder('lifecycle')
    builder
      .source('in', { topics: ['in'], ...text })
      .process('live', {
        create: () => {
          let task = ''
          return {
            init: (context: { taskId: string }) => {
              task = context.taskId
            },
            process: () => undefined,
            close: () => {
              closed.push(task)
            },
          } satisfies Processor<string, string>
        },
      })
      .sink('out', { topic: 'out', ...text })
    const driver = await TopologyTestDriver.start(builder.build(), { partitions: 2 })
    await driver.settle()
    await driver.close()
    expect(closed.sort()).toEqual(['0_0', '0_1'])
  })
})

import { describe, expect, test } from 'vitest'
import { serdes, TopologyBuilder } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'
import { inputSerdes, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'

describe('order', () => {
  test("each word's counts ascend without a gap, over several partitions and batch sizes", async () => {
    for (const batchSize of [1, 10, 1_000]) {
      await using driver = await TopologyTestDriver.start(wordCountTopology(), { batchSize, partitions: 3 })
      const lines = driver.input('lines', inputSerdes)
      await lines.sendAll(someLines(200).map((value) => ({ key: null, value })))
      await lines.sendAll(someLines(200, 2).map((value) => ({ key: null, value })))
      const last = new Map<string, number>()
      for (const { key, value } of await driver.output('word-counts', outputSerdes).readAll()) {
        expect(value).toBe((last.get(key) ?? 0) + 1)
        last.set(key, value)
      }
      expect(last.size).toBe(50)
    }
  })

  test('a processor that waits keeps the order of its partition', async () => {
    const builder = new TopologyBuilder('waits')
    builder
      .source('in', { topics: ['in'], key: serdes.string, value: serdes.int32 })
      .process('wait', async (record, context) => {
        // Later records wait less: only the engine keeps them in order.
        for (let turn = record.value; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
        context.forward(record)
      })
      .sink('out', { topic: 'out', key: serdes.string, value: serdes.int32 })
    await using driver = await TopologyTestDriver.start(builder.build(), { batchSize: 4 })
    await driver
      .input('in', { key: serdes.string, value: serdes.int32 })
      .sendAll(Array.from({ length: 20 }, (_, value) => ({ key: 'k', value })))
    const out = await driver.output('out', { key: serdes.string, value: serdes.int32 }).readAll()
    expect(out.map(({ value }) => value)).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })
})

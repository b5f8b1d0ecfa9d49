import { describe, expect, test } from 'vitest'

import { nativeCodeOf } from './support/native-code.ts'

const none = { asked: [], mapped: [] }

/** Starts a topology with one store on an embedded log, which opens the store. */
const openStore = (store: string) => `
  const { BatchCountAggregator, serdes, TopologyBuilder } = await import('millrace')
  const { TopologyTestDriver } = await import('millrace/testing')
  const counts = ${store}.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
  const builder = new TopologyBuilder('count')
  builder
    .source('words', { topics: ['words'], key: serdes.string, value: serdes.string })
    .process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
    .sink('counts', { topic: 'counts', key: serdes.string, value: serdes.safeInt64 })
  const driver = await TopologyTestDriver.start(builder.build())
  await driver.input('words', { key: serdes.string, value: serdes.string }).send({ key: 'a', value: 'a' })
  await driver.close()`

describe('the built packages', () => {
  test.each([
    'millrace',
    'millrace/testing',
    'millrace/memory',
    'millrace/fp',
    'millrace/leveldb',
    'millrace/kafka',
    'millrace/parallel',
    'millrace/telemetry',
    'millrace/publisher',
  ])('%s is imported without native code', async (name) => {
    expect(await nativeCodeOf(`await import('${name}')`)).toEqual(none)
  })

  test('a topology with stores in memory runs without native code', async () => {
    expect(await nativeCodeOf(`const { inMemory } = await import('millrace/memory')\n${openStore('inMemory')}`)).toEqual(none)
  })

  test('a store on LevelDB loads native code when it is opened', async () => {
    const { asked, mapped } = await nativeCodeOf(`const { leveldb } = await import('millrace/leveldb')\n${openStore('leveldb')}`)

    expect(asked).toEqual([expect.stringContaining('classic-level')])
    expect(mapped).toEqual([expect.stringContaining('classic-level')])
  })
})

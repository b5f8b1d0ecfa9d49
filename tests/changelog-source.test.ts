import { rm } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { type RuntimeEvent, serdes, TopologyBuilder } from 'millrace'
import { leveldb } from 'millrace/leveldb'
import { inMemory } from 'millrace/memory'
import { applicationId, changelogRun, finish, whileRunning } from './support/changelog-run.ts'

describe('an input topic as changelog', () => {
  const price = { key: serdes.string, value: serdes.int32 }
  const fixed = (name: string, overrides: Partial<{ sourceTopic: string }> = {}) =>
    name === 'memory'
      ? inMemory.keyValueStore({ name: 'prices', ...price, changelog: { sourceTopic: 'prices', ...overrides } })
      : leveldb.keyValueStore({ name: 'prices', ...price, changelog: { sourceTopic: 'prices', ...overrides } })

  function tableTopology(prices: ReturnType<typeof fixed>, fails: (key: string) => boolean = () => false) {
    const builder = new TopologyBuilder('table')
    builder
      .source('prices', { topics: ['prices'], key: serdes.string, value: serdes.nullable(serdes.int32) })
      .process<string, number | null>(
        'keep',
        ({ key, value }, context) => {
          if (fails(key)) throw new Error('no')
          if (value === null) context.store(prices).delete(key)
          else context.store(prices).set(key, value)
        },
        { stores: [prices] },
      )
    return builder.build()
  }

  const given = [
    { key: 'a', value: 1 },
    { key: 'b', value: 2 },
    { key: 'a', value: 3 },
    { key: 'b', value: null },
    { key: 'c', value: 4 },
  ]
  const table = { key: serdes.string, value: serdes.nullable(serdes.int32) }

  test.each(['leveldb', 'memory'])('is what the store is restored from (%s): nothing else is made or written', async (kind) => {
    await using all = await changelogRun()
    await all.log.createTopics({ prices: 1 })
    await all.log.write('prices', table, given)
    const prices = fixed(kind)
    await finish(await all.open(tableTopology(prices)))
    await rm(all.folder, { recursive: true })
    const restored: RuntimeEvent[] = []
    const app = await all.open(tableTopology(prices), {
      observer: (event) => void (event.type === 'restore' && event.phase === 'completed' && restored.push(event)),
    })
    expect(await whileRunning(app, () => app.store(prices).getBatch(['a', 'b', 'c']))).toEqual([3, undefined, 4])
    expect(restored).toMatchObject([{ topic: 'prices', restoredRecords: 5 }])
    expect(all.operations.flatMap((operation) => (operation.type === 'write' ? operation.topic : []))).toEqual(['prices'])
    const created = all.operations.flatMap((operation) => (operation.type === 'create-topics' ? operation.topics : []))
    expect(created.map(({ topic }) => topic)).not.toContain('options-prices-changelog')
  })

  test('is read up to what is committed, and not what is yet to be processed', async () => {
    await using all = await changelogRun()
    await all.log.createTopics({ prices: 1 })
    await all.log.write('prices', table, given)
    const prices = fixed('leveldb')
    const died = await all.open(
      tableTopology(prices, (key) => key === 'c'),
      { batch: { size: 1, timeoutMs: 0 } },
    )
    await expect(died.run()).rejects.toThrow('no')
    expect(await all.log.committed(applicationId, 'prices')).toEqual([4])
    await rm(all.folder, { recursive: true })
    const restored: RuntimeEvent[] = []
    const app = await all.open(tableTopology(prices), {
      observer: (event) => void (event.type === 'restore' && event.phase === 'completed' && restored.push(event)),
    })
    expect(await whileRunning(app, () => app.store(prices).getBatch(['a', 'b', 'c']))).toEqual([3, undefined, 4])
    expect(restored).toMatchObject([{ to: 4, restoredRecords: 4 }])
  })

  test('that no source reads is refused', async () => {
    await using all = await changelogRun()
    await all.log.createTopics({ prices: 1 })
    await expect(all.open(tableTopology(fixed('leveldb', { sourceTopic: 'words' })))).rejects.toThrow(
      "Store 'prices' is to be restored from 'words', which no source of sub-topology 0 reads by that name",
    )
  })

  test('is that of one store alone', async () => {
    await using all = await changelogRun()
    await all.log.createTopics({ prices: 1 })
    const stores = ['prices', 'others'].map((name) => leveldb.keyValueStore({ name, ...price, changelog: { sourceTopic: 'prices' } }))
    const builder = new TopologyBuilder('two')
    builder.source('prices', { topics: ['prices'], ...price }).process<string, number>('keep', () => undefined, { stores })
    await expect(all.open(builder.build())).rejects.toThrow(
      "Stores 'prices' and 'others' are both to be restored from 'prices', which can be the changelog of one: give the other its own.",
    )
  })
})

import { expect, test } from 'vitest'
import { serdes } from 'millrace'
import { inMemory } from 'millrace/memory'
import { TopologyTestDriver } from 'millrace/testing'
import { orders, runningTotals } from '../src/topology.ts'

const totals = inMemory.keyValueStore({ name: 'totals', key: serdes.string, value: serdes.float64 })

test.each([1, 2, 100])("tells each customer's total after every order, in batches of %d", async (batchSize) => {
  await using driver = await TopologyTestDriver.start(runningTotals(totals), { batchSize })
  const input = driver.input('orders', orders)
  const output = driver.output('totals', orders)

  await input.sendAll([
    { key: 'ada', value: 10 },
    { key: 'bob', value: 7 },
    { key: 'ada', value: 5 },
  ])

  expect(await output.readKeyValues()).toEqual([
    ['ada', 10],
    ['bob', 7],
    ['ada', 15],
  ])
  expect(await driver.store(totals).getBatch(['ada', 'bob', 'eve'])).toEqual([15, 7, undefined])
})

test('goes on from what is stored', async () => {
  await using driver = await TopologyTestDriver.start(runningTotals(totals))
  const input = driver.input('orders', orders)
  await input.send({ key: 'ada', value: 1 })
  await input.send({ key: 'ada', value: 2 })
  expect(await driver.output('totals', orders).readToMap()).toEqual(new Map([['ada', 3]]))
})

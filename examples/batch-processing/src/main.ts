import { serdes } from 'millrace'
import { inMemory } from 'millrace/memory'
import { TopologyTestDriver } from 'millrace/testing'
import { orders, runningTotals } from './topology.ts'

// On the test driver, so that it runs anywhere; an application would use defineApp and start, as in the README at the root.
const totals = inMemory.keyValueStore({ name: 'totals', key: serdes.string, value: serdes.float64 })
await using driver = await TopologyTestDriver.start(runningTotals(totals), {
  observer: (event) => {
    if (event.type === 'cut') console.log(`a batch of ${event.records} records, cut by ${event.trigger}`)
  },
})
await driver.input('orders', orders).sendAll([
  { key: 'ada', value: 10 },
  { key: 'bob', value: 7 },
  { key: 'ada', value: 5 },
])
for (const [customer, total] of await driver.output('totals', orders).readKeyValues()) console.log(`${customer}: ${total}`)

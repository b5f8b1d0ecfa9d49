import { serdes, type Topology, TopologyBuilder } from 'millrace'
import { inMemory } from 'millrace/memory'

export interface Order {
  readonly customer: string
  readonly cents: number
}

export const orderSerdes = { key: serdes.string, value: serdes.json<Order>() }
const spent = inMemory.keyValueStore({ name: 'spent', key: serdes.string, value: serdes.safeInt64 })

/** What each customer has spent, and large orders apart. Orders that are none fail. */
export function orderTopology(): Topology {
  const builder = new TopologyBuilder('orders')
  const checked = builder.source('orders', { topics: ['orders'], ...orderSerdes }).process<string, Order>('check', (order, context) => {
    if (!(order.value.cents >= 0)) throw new RangeError(`An order of ${order.value.cents} cents is none.`)
    context.forward(order)
  })
  checked.filter('large', ({ value }) => value.cents >= 90_000).sink('to-review', { topic: 'large-orders', ...orderSerdes })
  checked
    .map('by-customer', (order) => ({ ...order, key: order.value.customer, value: order.value.cents }))
    .repartition('customers', { key: serdes.string, value: serdes.safeInt64 })
    .processBatch<string, number>(
      'sum',
      async (batch, context) => {
        const sums = await context.store(spent).updateBatch(batch.keys, (before = 0, i) => before + (batch.values[i] ?? 0))
        context.forwardBatch({ keys: batch.keys, values: sums })
      },
      { stores: [spent] },
    )
    .sink('totals', { topic: 'spent', key: serdes.string, value: serdes.safeInt64 })
  return builder.build()
}

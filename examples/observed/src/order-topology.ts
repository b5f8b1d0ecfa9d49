import { serdes, type Topology, TopologyBuilder } from 'millrace'
import { inMemory } from 'millrace/memory'

export interface Order {
  readonly customer: string
  readonly cents: number
}

export const orderSerdes = { key: serdes.string, value: serdes.json<Order>() }
const spent = inMemory.keyValueStore({ name: 'spent', key: serdes.string, value: serdes.safeInt64 })

/** Names of topics; on a cluster that others use as well, each with a prefix. */
export interface OrderTopics {
  readonly orders: string
  readonly large: string
  readonly spent: string
  /** Of dead letters. */
  readonly none: string
}

export function orderTopics(prefix: string): OrderTopics {
  return { orders: `${prefix}orders`, large: `${prefix}large-orders`, spent: `${prefix}spent`, none: `${prefix}no-orders` }
}

/** What each customer has spent, and large orders apart. Orders that are none fail. */
export function orderTopology(topics: OrderTopics): Topology {
  const builder = new TopologyBuilder('orders')
  const checked = builder
    .source('orders', { topics: [topics.orders], ...orderSerdes })
    .process<string, Order>('check', (order, context) => {
      if (!(order.value.cents >= 0)) throw new RangeError(`An order of ${order.value.cents} cents is none.`)
      context.forward(order)
    })
  checked.filter('large', ({ value }) => value.cents >= 90_000).sink('to-review', { topic: topics.large, ...orderSerdes })
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
    .sink('totals', { topic: topics.spent, key: serdes.string, value: serdes.safeInt64 })
  return builder.build()
}

import { type KeyValueStoreDefinition, serdes, type Topology, TopologyBuilder } from 'millrace'
import { RunningTotal } from './running-total.ts'

export const orders = { key: serdes.string, value: serdes.float64 }

/** Orders in (key: customer, value: amount), the customer's total so far out. */
export function runningTotals(totals: KeyValueStoreDefinition<string, number>): Topology {
  const builder = new TopologyBuilder('running-totals')
  builder
    .source('orders', { topics: ['orders'], ...orders })
    .process('total', { create: () => new RunningTotal(totals), stores: [totals] })
    .sink('totals', { topic: 'totals', ...orders })
  return builder.build()
}

import { type StreamRecord, type Topology, TopologyBuilder } from 'millrace'
import { type BulkRows, bulkRows, type TableRow } from 'millrace/bulk-sink'
import { clickhouse } from 'millrace/clickhouse'
import { events, type ShopEvent } from './event.ts'

/** Where events go. */
export const EVENTS_TOPIC = 'shop-events'
/** Where rows go that ClickHouse can't take, with the reason. */
export const DEAD_LETTERS_TOPIC = 'shop-dead-letters'

/** The sink: a table for each kind of event, each inserted in its own way; of a payment there is a row in `pages` as well. */
export function shopRows(url: string): BulkRows<string, ShopEvent> {
  return bulkRows({
    driver: clickhouse({ url }),
    tables: {
      pages: { preset: 'events' },
      payments: { preset: 'payments' },
      readings: { preset: 'telemetry' },
    },
    rows: ({ value }: StreamRecord<string, ShopEvent>): TableRow[] => {
      const { id, kind, who, amount } = value
      const at = new Date(value.at)
      const page = { table: 'pages', row: { id, at, who } }
      if (kind === 'payment') return [page, { table: 'payments', row: { id, at, who, amount } }]
      return kind === 'reading' ? [{ table: 'readings', row: { id, at, device: who, reading: amount } }] : [page]
    },
  })
}

export function shopTopology(rows: BulkRows<string, ShopEvent>): Topology {
  const builder = new TopologyBuilder('shop')
  builder.source('events', { topics: [EVENTS_TOPIC], ...events }).sinkOutside('clickhouse', rows)
  return builder.build()
}

import { BatchCountAggregator, type Topology, TopologyBuilder } from '@millrace/core'
import { RecordCount } from './record-count.ts'
import { SingleCount } from './single-count.ts'
import { countStore, INPUT, inputSerdes, OUTPUT, outputSerdes, type StoreKind } from './workload.ts'

/** Who counts: one that takes batches as columns, one that takes them as records, or one that takes single records. */
export type Counting = 'batch' | 'records' | 'single'

export function countTopology(kind: StoreKind, counting: Counting): Topology {
  const counts = countStore(kind)
  const builder = new TopologyBuilder('count')
  const input = builder.source('input', { topics: [INPUT], ...inputSerdes })
  const stores = [counts]
  const counted =
    counting === 'single'
      ? input.process('count', { create: () => new SingleCount(counts), stores })
      : counting === 'records'
        ? input.process('count', { create: () => new RecordCount(counts), stores })
        : input.process('count', { create: () => new BatchCountAggregator(counts), stores })
  counted.sink('output', { topic: OUTPUT, ...outputSerdes })
  return builder.build()
}

/** A batch processor that tells how many records it was given, and does nothing with them, or only looks at their keys and values. */
export function nothingTopology(looks: boolean, taken: (records: number) => void): Topology {
  const builder = new TopologyBuilder('nothing')
  builder.source('input', { topics: [INPUT], ...inputSerdes }).process('nothing', {
    create: () => ({
      processBatch: (batch) => taken(looks ? Math.min(batch.keys.length, batch.values.length) : batch.length),
    }),
  })
  return builder.build()
}

import { BatchCountAggregator, type Topology, TopologyBuilder } from '@millrace/core'
import { SingleCount } from './single-count.ts'
import { countStore, INPUT, inputSerdes, OUTPUT, outputSerdes, type StoreKind } from './workload.ts'

/** The count, by a processor that takes batches or by one that takes single records. */
export function countTopology(kind: StoreKind, processor: 'batch' | 'single'): Topology {
  const counts = countStore(kind)
  const builder = new TopologyBuilder('count')
  const input = builder.source('input', { topics: [INPUT], ...inputSerdes })
  const counted =
    processor === 'batch'
      ? input.process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
      : input.process('count', { create: () => new SingleCount(counts), stores: [counts] })
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

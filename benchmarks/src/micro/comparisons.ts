import type { Comparison, Target } from '../harness/comparison.ts'
import { cutterComparisons } from './batch-cutter/cutter-comparisons.ts'
import { batcherComparisons } from './batcher/batcher-comparisons.ts'
import { parallelComparisons } from './parallel/parallel-comparisons.ts'
import type { RunSize } from './run-size.ts'
import { serdeComparisons } from './serdes/serde-comparisons.ts'
import { levelDbReads } from './stores/leveldb-reads.ts'
import { levelDbWrites } from './stores/leveldb-writes.ts'
import { memoryStores } from './stores/memory-stores.ts'
import { keysUpTo } from './texts.ts'
import { countComparisons, engineAlone } from './topology/count-comparisons.ts'
import { ioComparisons } from './topology/io-comparisons.ts'
import { narrowingComparisons } from './topology/narrowing-comparisons.ts'
import { nothingComparisons } from './topology/nothing-comparisons.ts'
import { policyComparisons } from './topology/policy-comparisons.ts'
import { telemetryComparisons } from './topology/telemetry-comparisons.ts'

const STORE_SIZES = [100, 1_000, 10_000]

/** Everything that there is to be measured of single parts, in the order in which it is shown. */
export function microComparisons(size: RunSize): Comparison[] {
  const { folder } = size
  return [
    ...STORE_SIZES.flatMap((records) => [...levelDbWrites(folder, keysUpTo(records)), ...levelDbReads(folder, keysUpTo(records))]),
    ...STORE_SIZES.flatMap((records) => memoryStores(keysUpTo(records))),
    ...serdeComparisons(),
    ...cutterComparisons(),
    ...batcherComparisons(),
    ...parallelComparisons(size),
    ...countComparisons(size),
    engineAlone(size),
    ...telemetryComparisons(size),
    ...nothingComparisons(size),
    ...policyComparisons(size),
    ...narrowingComparisons(size),
    ...ioComparisons(size),
  ]
}

export const microTargets: readonly Target[] = [
  {
    comparison: 'leveldb set, 1000 records',
    row: 'setBatch and commit',
    maxTimeRatio: 1 / 20,
    says: 'LevelDB: setBatch of 1,000 records and its commit at least 20 times as fast as an awaited put for each',
  },
  {
    comparison: 'leveldb get, 1000 records',
    row: 'getBatch',
    maxTimeRatio: 1 / 15,
    says: 'LevelDB: getBatch of 1,000 records that nothing caches at least 15 times as fast as an awaited get for each',
  },
  ...(['leveldb', 'memory'] as const).map((kind) => ({
    comparison: `count, ${kind} store`,
    row: 'batch processor, batches of 1000',
    maxTimeRatio: 1.5,
    says: `The count on a ${kind} store, in batches of 1,000, within 1.5 times the time of the loop`,
  })),
  {
    comparison: 'the engine alone',
    row: 'typed records, batches of 10000',
    maxThreadMicros: 1.5,
    says: 'The engine alone: count with LevelDB, strings decoded and typed records handed to the user, batches of 10,000, under 1.5 us of its thread a record',
  },
  ...[1_000, 100].flatMap((size) => [
    {
      comparison: `telemetry, count in batches of ${size}`,
      row: 'nobody looks, again',
      maxCpuRatio: 1.02,
      says: `The count in batches of ${size} against itself, within 2 % of CPU time: else this machine is too busy to tell what telemetry takes`,
    },
    {
      comparison: `telemetry, count in batches of ${size}`,
      row: 'everything on',
      maxCpuRatio: 1.02,
      says: `All telemetry of the count, in batches of ${size}, under 2 % of its CPU time`,
    },
  ]),
  {
    comparison: 'telemetry, a pass told',
    row: 'everything on',
    maxThreadMicros: 2,
    says: 'What all telemetry takes of a pass, whatever its size, under 2 us (2 % of a pass of 100 records that takes 0.1 ms)',
  },
  {
    comparison: 'a pass that does nothing',
    row: 'topology, batches of 10000',
    maxMicros: 0.3,
    says: 'A pass that does nothing, of 10,000 records, under 0.3 us a record',
  },
  {
    comparison: 'parallel, 1000 passes a record',
    row: 'parallelBatch, 2 threads',
    maxTimeRatio: 1 / 1.6,
    says: 'A function that keeps a core busy, 1,000 passes a record, in two threads at least 1.6 times as fast as in a loop',
  },
]

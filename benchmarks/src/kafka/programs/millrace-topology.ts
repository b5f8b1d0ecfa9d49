import {
  BatchCountAggregator,
  type KeyValueStoreDefinition,
  type Serde,
  serdes,
  type Stream,
  type ThreadOptions,
  type Topology,
  TopologyBuilder,
} from '@millrace/core'
import { leveldb } from '@millrace/store-leveldb'
import { inMemory } from '@millrace/store-memory'
import { SingleCount } from '../../micro/topology/single-count.ts'
import { busy } from './busy.ts'
import { isKept } from '../input/input-shape.ts'
import { type ProgramConfig, STORE } from './program-config.ts'

const COUNT_BYTES = 8
const text = { key: serdes.string, value: serdes.string }
const count = { key: serdes.string, value: serdes.safeInt64 }

const paddedCount: Serde<number> = {
  name: 'padded count',
  serialize: (value) => serdes.safeInt64.serialize(value),
  deserialize: (bytes, start, end) => serdes.safeInt64.deserialize(bytes, start, Math.min(end, start + COUNT_BYTES)),
}

type Counts = KeyValueStoreDefinition<string, number>

export interface MillraceKind {
  /** What processors take. */
  readonly processors: 'batch' | 'single'
  readonly store: 'leveldb' | 'memory'
  /** Default: `confluent`, as the loops by hand have it. */
  readonly client?: 'confluent' | 'packed'
  readonly threads?: ThreadOptions
}

/** `work`: what is restored has other bytes behind the count. */
export function countStore({ store }: MillraceKind, work: ProgramConfig['work']): Counts {
  const value = work === 'restore' ? paddedCount : serdes.safeInt64
  return (store === 'leveldb' ? leveldb : inMemory).keyValueStore({ name: STORE, key: serdes.string, value })
}

/** What is asked for, in Millrace. */
export function benchmarkTopology(
  { work, input, output }: ProgramConfig,
  counts: Counts,
  processors: MillraceKind['processors'],
): Topology {
  const builder = new TopologyBuilder('bench')
  const records = builder.source('input', { topics: [input], ...text })
  if (work === 'restore') records.process<string, string>('count', () => undefined, { stores: [counts] })
  else if (work === 'map') mapped(records, processors).sink('output', { topic: output, ...text })
  else if (work === 'busy-map') busyMapped(records).sink('output', { topic: output, ...text })
  else counted(records, counts, { processors, lastOnly: work === 'count-last' }).sink('output', { topic: output, ...count })
  return builder.build()
}

function counted(records: Stream<string, string>, counts: Counts, how: Pick<MillraceKind, 'processors'> & { readonly lastOnly: boolean }) {
  const { processors, lastOnly } = how
  if (processors === 'single') return records.process('count', { create: () => new SingleCount(counts), stores: [counts] })
  const emit = lastOnly ? 'last-per-key' : 'every-record'
  return records.process('count', { create: () => new BatchCountAggregator(counts, { emit }), stores: [counts] })
}

function busyMapped(records: Stream<string, string>): Stream<string, string> {
  return mapped(
    records.filter('work', ({ value }) => busy(value.length) !== 0),
    'batch',
  )
}

function mapped(records: Stream<string, string>, processors: MillraceKind['processors']): Stream<string, string> {
  if (processors === 'batch') return records.filterValues('filter', isKept).mapValues('map', (value) => value.toUpperCase())
  return records
    .process<string, string>('filter', (record, context) => {
      if (isKept(record.value)) context.forward(record)
    })
    .process<string, string>('map', (record, context) => context.forward({ ...record, value: record.value.toUpperCase() }))
}

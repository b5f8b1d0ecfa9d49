import {
  type BatchProcessor,
  type KeyValueStoreDefinition,
  type ProcessorContext,
  type RecordBatch,
  serdes,
  type Topology,
  TopologyBuilder,
} from 'millrace'
import { leveldb } from 'millrace/leveldb'

/** One input record: the `seq`th of its key, counted from 1. */
export interface Numbered {
  readonly key: string
  readonly seq: number
}

/** One output record: what the key's count is with the input record `seq`, and who says so. */
export interface Counted {
  readonly count: number
  readonly seq: number
  readonly task: string
  /** One task on one worker, from its assignment on: of two epochs of a task the later one has the higher number. */
  readonly epoch: number
  /** Of the record it came from. */
  readonly offset: number
}

export const inputSerdes = { key: serdes.nullable(serdes.string), value: serdes.json<Numbered>() }
export const outputSerdes = { key: serdes.string, value: serdes.json<Counted>() }
export const stateSerdes = { key: serdes.string, value: serdes.safeInt64 }

export const counts = leveldb.keyValueStore({ name: 'counts', ...stateSerdes })

/** Counts each key: one output record for each input record. */
class CountKeys implements BatchProcessor<string, number, string, Counted> {
  readonly #counts: KeyValueStoreDefinition<string, number>
  #epoch = 0

  constructor(definition: KeyValueStoreDefinition<string, number>) {
    this.#counts = definition
  }

  readonly init = (): void => {
    // Microseconds on a clock that all processes of the machine share.
    this.#epoch = Number(process.hrtime.bigint() / 1_000n)
  }

  readonly processBatch = async (batch: RecordBatch<string, number>, context: ProcessorContext<string, Counted>): Promise<void> => {
    const { keys, values } = batch
    const store = context.store(this.#counts)
    const known = new Map<string, number>()
    const distinct = [...new Set(keys)]
    const found = await store.getBatch(distinct)
    distinct.forEach((key, i) => known.set(key, found[i] ?? 0))
    const counted = keys.map((key, i) => {
      const count = (known.get(key) as number) + 1
      known.set(key, count)
      return { count, seq: values[i] as number, task: context.taskId, epoch: this.#epoch, offset: batch.offset(i) }
    })
    store.setBatch([...known])
    context.forwardBatch({ keys, values: counted, sources: keys.map((_, i) => i) })
  }
}

/** Input without keys, repartitioned by key, counted. */
export function chaosTopology(topics: { readonly input: string; readonly output: string }): Topology {
  const builder = new TopologyBuilder('chaos')
  builder
    .source('numbered', { topics: [topics.input], ...inputSerdes })
    .map('by-key', (record) => ({ ...record, key: record.value.key, value: record.value.seq }))
    .repartition('by-key-repartition', { key: serdes.string, value: serdes.int32 })
    .process('count', { create: () => new CountKeys(counts), stores: [counts] })
    .sink('counted', { topic: topics.output, ...outputSerdes })
  return builder.build()
}

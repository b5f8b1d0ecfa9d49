import {
  type BatchOutcome,
  BatchRecordError,
  type ProcessorContext,
  type RecordBatch,
  serdes,
  type Topology,
  TopologyBuilder,
} from 'millrace'
import { inMemory } from 'millrace/memory'
import type { How } from './failing-run.ts'

export const inputPair = { key: serdes.int32, value: serdes.int32 }
export const outputPair = { key: serdes.string, value: serdes.string }
export const donePair = { key: serdes.int32, value: serdes.int32 }
/** How often each value was processed well. */
const done = inMemory.keyValueStore({ name: 'done', ...donePair })

export interface Topics {
  readonly input: string
  readonly output: string
  readonly dead: string
}
export type Batch = Pick<RecordBatch<number, number>, 'values' | 'partition' | 'length'>
export type Context = ProcessorContext<string, string>

/**
 * Writes each value and counts it in a store, as `succeed` says: `7`, or `7 again` where the store has had it before. Whatever stays of an attempt
 * that failed is seen there.
 */
function succeed(values: readonly number[], context: Context, sources: readonly number[]): void {
  const store = context.store(done)
  const written = values.map((value) => {
    const times = store.get(value) ?? 0
    store.set(value, times + 1)
    return times === 0 ? String(value) : `${value} again`
  })
  context.forwardBatch({ keys: values.map(() => 'k'), values: written, sources })
}

export interface Work {
  readonly how: How
  /** Whether processing a value fails now. */
  readonly fails: (value: number) => boolean
  /** Called with each batch before any of it is done, and once more when all of it is. */
  readonly during?: ((batch: Batch, context: Context, at: 'begin' | 'end') => void | Promise<void>) | undefined
}

/** Copies what it reads to the partition it came from, but for what its processor fails with. */
export function failingTopology({ input, output }: Topics, work: Work): Topology {
  const builder = new TopologyBuilder('failing')
  builder
    .source('in', { topics: [input], ...inputPair })
    .process<string, string>('work', { create: () => processorOf(work) as never, stores: [done] })
    .sink('out', { topic: output, ...outputPair, partitioner: ({ partition }) => partition })
  return builder.build()
}

function processorOf(work: Work) {
  const { how, during } = work
  if (how === 'single') {
    return {
      process(record: { readonly value: number; readonly partition: number }, context: Context) {
        void during?.({ values: [record.value], length: 1, partition: record.partition }, context, 'begin')
        succeed([record.value], context, [0])
        if (work.fails(record.value)) throw new RangeError(`${record.value} is bad`)
      },
    }
  }
  return {
    async processBatch(batch: RecordBatch<number, number>, context: Context): Promise<void | BatchOutcome> {
      await during?.(batch, context, 'begin')
      const failed = batch.values.flatMap((value, index) =>
        work.fails(value) ? [{ index, error: new RangeError(`${value} is bad`) }] : [],
      )
      const bad = new Set(failed.map(({ index }) => index))
      const [first] = failed
      // What is done before it fails leaves no trace.
      const rows = [...batch.values.keys()].filter((row) => (how === 'outcome' ? !bad.has(row) : row <= (first?.index ?? Infinity)))
      succeed(
        rows.map((row) => batch.values[row] as number),
        context,
        rows,
      )
      await during?.(batch, context, 'end')
      if (first === undefined) return undefined
      if (how === 'outcome') return { failed }
      throw how === 'index' ? new BatchRecordError(first.index, first.error) : first.error
    },
  }
}

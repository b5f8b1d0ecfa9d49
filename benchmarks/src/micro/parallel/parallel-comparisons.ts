import { ColumnBatch, type OutputColumns, type ProcessorContext, silentLogger } from '@millrace/core'
import { parallelBatch } from '@millrace/parallel'
import type { Comparison, Contender } from '../../harness/comparison.ts'
import type { RunSize } from '../run-size.ts'
import { keysUpTo } from '../texts.ts'
import { checksum, type Passage } from './checksum.ts'

const RECORDS = 1_000
const TEXT = 'to be or not to be '.repeat(5)
const NO_HEADERS = Object.freeze([])

/** A function that keeps a core busy, called in a loop and in threads: what a second core gives, and from what cost of a record on. */
export function parallelComparisons({ short }: RunSize): Comparison[] {
  return (short ? [10, 100] : [10, 100, 1_000]).map((passes) => {
    const batch = batchOf(passes)
    return {
      name: `parallel, ${passes} passes a record`,
      baseline: loop(batch),
      others: [1, 2].map((threads) => inThreads(batch, threads)),
    }
  })
}

function batchOf(passes: number): ColumnBatch<string, Passage> {
  const keys = keysUpTo(RECORDS)
  return new ColumnBatch({
    topic: 'texts',
    partition: 0,
    trigger: 'records',
    keys,
    values: keys.map((key) => ({ text: TEXT + key, passes })),
    timestamps: new Float64Array(RECORDS),
    offsets: keys.map((_, i) => i),
  })
}

function byHand(batch: ColumnBatch<string, Passage>): number[] {
  const sums = new Array<number>(batch.length)
  for (let i = 0; i < batch.length; i++) {
    const record = { key: batch.keys[i] as string, value: batch.values[i] as Passage, timestamp: batch.timestamp(i), headers: NO_HEADERS }
    sums[i] = checksum(record).value
  }
  return sums
}

function loop(batch: ColumnBatch<string, Passage>): Contender {
  return {
    name: 'a loop',
    says: 'The function called for each record of a batch of 1,000, in the thread of the program.',
    records: RECORDS,
    open: () => ({
      work() {
        byHand(batch)
      },
    }),
  }
}

function inThreads(batch: ColumnBatch<string, Passage>, threads: number): Contender {
  const name = `parallelBatch, ${threads} ${threads === 1 ? 'thread' : 'threads'}`
  return {
    name,
    says: 'The same batch copied to threads and back, put back in order and forwarded.',
    records: RECORDS,
    async open() {
      const module = new URL('./checksum.js', import.meta.url)
      const processor = parallelBatch<typeof checksum>({ module, export: 'checksum', threads }).create()
      let forwarded: OutputColumns<string, number> | undefined
      const context = {
        taskId: '0_0',
        logger: silentLogger,
        signal: new AbortController().signal,
        forwardBatch: (columns: OutputColumns<string, number>) => {
          forwarded = columns
        },
      } as Partial<ProcessorContext<string, number>> as ProcessorContext<string, number>
      await processor.init?.(context)
      return {
        async work() {
          await processor.processBatch(batch, context)
        },
        check() {
          if (String(forwarded?.values) !== String(byHand(batch))) throw new Error(`'${name}' forwarded something else than the loop.`)
        },
        close: async () => processor.close?.(),
      }
    },
  }
}

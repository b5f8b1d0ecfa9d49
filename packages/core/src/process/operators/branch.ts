import type { StreamRecord } from '../../batch/stream-record.ts'
import { BatchRecordError } from '../batch-record-error.ts'
import type { BatchProcessor, Processor } from '../processor.ts'
import type { OutputType } from '../processor-context.ts'
import { forwardRows } from '../row-port.ts'

/** Tells for each branch whether a record belongs to it. */
export type Branches<K, V> = Readonly<Record<string, (record: StreamRecord<K, V>) => boolean>>
type BranchOutputs<K, V> = Readonly<Record<string, OutputType<K, V>>>
type Branch<K, V> = Processor<K, V, never, never, BranchOutputs<K, V>> & BatchProcessor<K, V, never, never, BranchOutputs<K, V>>

/** Each record goes to the output named by the first predicate that is true; to none if none is. */
export function branch<K, V>(branches: Branches<K, V>): Branch<K, V> {
  const names = Object.keys(branches)
  const predicates = Object.values(branches)
  const choose = (record: StreamRecord<K, V>): number => {
    for (let i = 0; i < predicates.length; i++) if ((predicates[i] as Branches<K, V>[string])(record)) return i
    return -1
  }
  return {
    process(record, context) {
      const chosen = choose(record)
      if (chosen >= 0) context.to[names[chosen] as string]?.forward(record)
    },
    processBatch(batch, context) {
      const chosen = new Int32Array(batch.length)
      const counts = new Int32Array(names.length)
      let i = 0
      try {
        for (; i < batch.length; i++) {
          const branch = choose(batch.record(i))
          chosen[i] = branch
          if (branch >= 0) counts[branch] = (counts[branch] as number) + 1
        }
      } catch (error) {
        throw new BatchRecordError(i, error)
      }
      for (let branch = 0; branch < names.length; branch++) {
        const port = context.to[names[branch] as string]
        if (port !== undefined) forwardRows(port, batch, { rows: rowsOf(chosen, branch, counts[branch] as number) })
      }
    },
  }
}

function rowsOf(chosen: Int32Array, branch: number, count: number): Int32Array {
  const rows = new Int32Array(count)
  for (let i = 0, at = 0; at < count; i++) if (chosen[i] === branch) rows[at++] = i
  return rows
}

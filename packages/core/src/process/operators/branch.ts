import type { StreamRecord } from '../../batch/stream-record.ts'
import { BatchRecordError } from '../batch-record-error.ts'
import type { BatchProcessor, Processor } from '../processor.ts'
import type { OutputType } from '../processor-context.ts'
import { OutputBuilder } from './output-builder.ts'

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
      const outputs = names.map(() => new OutputBuilder<K, V>())
      let i = 0
      try {
        for (; i < batch.length; i++) {
          const record = batch.record(i)
          outputs[choose(record)]?.add(record, i)
        }
      } catch (error) {
        throw new BatchRecordError(i, error)
      }
      for (let j = 0; j < names.length; j++) {
        const port = context.to[names[j] as string]
        if (port !== undefined) outputs[j]?.forwardTo(port)
      }
    },
  }
}

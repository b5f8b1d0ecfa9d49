import type { Headers } from '../../batch/headers.ts'
import type { OutputRecord, StreamRecord } from '../../batch/stream-record.ts'
import { BatchRecordError } from '../batch-record-error.ts'
import type { BatchProcessor, Processor } from '../processor.ts'

type Emit<K, V> = (record: OutputRecord<K, V>) => void

/** What an operator does with one record: it emits any number of records. */
export type Visit<KIn, VIn, KOut, VOut> = (record: StreamRecord<KIn, VIn>, emit: Emit<KOut, VOut>) => void

/** A stateless operator, as a processor of batches and of single records alike. */
export function recordOperator<KIn, VIn, KOut, VOut>(
  visit: Visit<KIn, VIn, KOut, VOut>,
): Processor<KIn, VIn, KOut, VOut> & BatchProcessor<KIn, VIn, KOut, VOut> {
  return {
    process(record, context) {
      visit(record, (output) => context.forward(output))
    },
    processBatch(batch, context) {
      const keys: KOut[] = []
      const values: VOut[] = []
      const timestamps: number[] = []
      const headers: (Headers | undefined)[] = []
      const sources: number[] = []
      let at = 0
      const emit: Emit<KOut, VOut> = (record) => {
        keys.push(record.key)
        values.push(record.value)
        timestamps.push(record.timestamp)
        headers.push(record.headers)
        sources.push(at)
      }
      for (; at < batch.length; at++) {
        try {
          visit(batch.record(at), emit)
        } catch (error) {
          throw new BatchRecordError(at, error)
        }
      }
      context.forwardBatch({ keys, values, timestamps, headers, sources })
    },
  }
}

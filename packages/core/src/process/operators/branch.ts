import type { StreamRecord } from '../../batch/stream-record.ts'
import type { Processor } from '../processor.ts'
import type { OutputPort } from '../processor-context.ts'

/** Each record goes to the output named by the first predicate that is true; to none if none is. */
export function branch<K, V>(branches: Readonly<Record<string, (record: StreamRecord<K, V>) => boolean>>): Processor<K, V, never, never> {
  const entries = Object.entries(branches)
  return {
    process(record, context) {
      for (const [name, predicate] of entries) {
        if (!predicate(record)) continue
        const ports = context.to as unknown as Readonly<Record<string, OutputPort<K, V>>>
        ports[name]?.forward(record)
        return
      }
    },
  }
}

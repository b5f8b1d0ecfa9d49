import type { KeyValueStoreDefinition, Processor, ProcessorContext, StreamRecord } from '@millrace/core'

/** Counts records per key, one at a time: what `BatchCountAggregator` does for a batch at once. */
export class SingleCount implements Processor<string, string, string, number> {
  readonly #counts: KeyValueStoreDefinition<string, number>

  constructor(counts: KeyValueStoreDefinition<string, number>) {
    this.#counts = counts
  }

  process({ key, timestamp, headers }: StreamRecord<string, string>, context: ProcessorContext<string, number>): void {
    const counts = context.store(this.#counts)
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    context.forward({ key, value: count, timestamp, headers })
  }
}

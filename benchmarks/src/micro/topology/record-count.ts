import type { BatchProcessor, KeyValueStoreDefinition, ProcessorContext, RecordBatch } from '@millrace/core'

/** Counts records per key, in batches, by a user who looks at each record as an object, its value too. Values that are empty count for nothing. */
export class RecordCount implements BatchProcessor<string, string, string, number> {
  readonly #counts: KeyValueStoreDefinition<string, number>

  constructor(counts: KeyValueStoreDefinition<string, number>) {
    this.#counts = counts
  }

  async processBatch(batch: RecordBatch<string, string>, context: ProcessorContext<string, number>): Promise<void> {
    const keys: string[] = []
    const sources: number[] = []
    let row = 0
    for (const { key, value } of batch) {
      if (value.length > 0) {
        keys.push(key)
        sources.push(row)
      }
      row++
    }
    const values = await context.store(this.#counts).updateBatch(keys, (count) => (count ?? 0) + 1)
    context.forwardBatch({ keys, values, sources })
  }
}

import type { BatchProcessor, KeyValueStoreDefinition, ProcessorContext, RecordBatch } from 'millrace'

/**
 * Adds up amounts per customer: one record out for each record in, with the total so far. The whole batch costs one `getBatch` and one
 * `setBatch`, however many records it has.
 */
export class RunningTotal implements BatchProcessor<string, number, string, number> {
  readonly #totals: KeyValueStoreDefinition<string, number>

  constructor(totals: KeyValueStoreDefinition<string, number>) {
    this.#totals = totals
  }

  async processBatch(batch: RecordBatch<string, number>, context: ProcessorContext<string, number>): Promise<void> {
    const store = context.store(this.#totals)

    // Group by key: each customer is read once, whatever the number of orders.
    const customers = [...new Set(batch.keys)]
    const before = await store.getBatch(customers)
    const totals = new Map(customers.map((customer, i) => [customer, before[i] ?? 0]))

    // In offset order, so that every record gets the total as it was then.
    const values = batch.values.map((amount, i) => {
      const customer = batch.keys[i] as string
      const total = (totals.get(customer) as number) + amount
      totals.set(customer, total)
      return total
    })

    store.setBatch(totals)
    // One to one: each output comes from the input record at its index, and takes its timestamp.
    context.forwardBatch({ keys: batch.keys, values })
  }
}

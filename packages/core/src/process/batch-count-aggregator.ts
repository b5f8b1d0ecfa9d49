import { MillraceError } from '../errors/millrace-error.ts'
import type { RecordBatch } from '../batch/record-batch.ts'
import type { StoreEntry } from '../store/key-value-store.ts'
import type { AsyncKeyValueStoreDefinition, KeyValueStoreDefinition } from '../store/store-definition.ts'
import { BatchRecordError } from './batch-record-error.ts'
import type { BatchProcessor } from './processor.ts'
import type { ProcessorContext } from './processor-context.ts'

export interface BatchCountAggregatorOptions {
  /**
   * `every-record`: one output for each input record, with the count so far. `last-per-key`: one for each key of the batch, with the count after
   * it; how many there are then depends on how batches are cut. Default: `every-record`.
   */
  readonly emit?: 'every-record' | 'last-per-key' | undefined
}

type CountStore<K> = KeyValueStoreDefinition<K, number> | AsyncKeyValueStoreDefinition<K, number>

/** Counts records per key: whatever their value, with one `getBatch` and one `setBatch` a batch. A key of null or undefined is refused. */
export class BatchCountAggregator<K, V = unknown> implements BatchProcessor<K, V, K, number> {
  readonly #store: CountStore<K>
  readonly #everyRecord: boolean

  constructor(store: CountStore<K>, options: BatchCountAggregatorOptions = {}) {
    const { emit = 'every-record' } = options
    if (emit !== 'every-record' && emit !== 'last-per-key') {
      throw new TypeError(`BatchCountAggregator: emit is ${String(emit)}; use 'every-record' or 'last-per-key'.`)
    }
    this.#store = store
    this.#everyRecord = emit === 'every-record'
  }

  readonly processBatch = async (batch: RecordBatch<K, V>, context: ProcessorContext<K, number>): Promise<void> => {
    const { keys, groupOf, last } = this.#group(batch.keys)
    const counts = context.store<{ getBatch(keys: readonly K[]): Promise<(number | undefined)[]>; setBatch(entries: Iterable<StoreEntry<K, number>>): void }>(
      this.#store,
    )
    const before = await counts.getBatch(keys)
    const after = before.map((count) => count ?? 0)
    const soFar = new Array<number>(batch.length)
    for (let i = 0; i < batch.length; i++) soFar[i] = after[groupOf[i] as number] = (after[groupOf[i] as number] as number) + 1
    counts.setBatch(keys.map((key, group) => [key, after[group] as number] as const))
    const headers = Array.from({ length: batch.length }, (_, i) => batch.headers(i))
    if (this.#everyRecord) context.forwardBatch({ keys: batch.keys, values: soFar, headers })
    else {
      const sources = last.sort((a, b) => a - b)
      context.forwardBatch({
        keys: sources.map((i) => batch.keys[i] as K),
        values: sources.map((i) => soFar[i] as number),
        headers: sources.map((i) => headers[i]),
        sources,
      })
    }
  }

  /** The different keys, the group of each record, and the last record of each group. */
  #group(all: readonly K[]): { keys: K[]; groupOf: Int32Array; last: number[] } {
    const { key: serde } = this.#store
    const groups = new Map<unknown, number>()
    const keys: K[] = []
    const last: number[] = []
    const groupOf = new Int32Array(all.length)
    for (let i = 0; i < all.length; i++) {
      const key = all[i] as K
      if (key === null || key === undefined) {
        throw new BatchRecordError(i, new MillraceError('KEY_MISSING', 'A record without a key can\'t be counted by key.', { stage: 'process' }))
      }
      const identity = serde.identity === true ? key : binary(serde.serialize(key))
      let group = groups.get(identity)
      if (group === undefined) {
        group = keys.length
        groups.set(identity, group)
        keys.push(key)
      }
      groupOf[i] = group
      last[group] = i
    }
    return { keys, groupOf, last }
  }
}

/** A string that stands for bytes, one character a byte. */
function binary(bytes: Uint8Array | null): string | null {
  if (bytes === null) return null
  let text = ''
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i] as number)
  return text
}

import type { RecordBatch } from '../batch/record-batch.ts'
import { MillraceError } from '../errors/millrace-error.ts'
import type { Serde } from '../serde/serde.ts'
import type { BatchKeyValueStore } from '../store/key-value-store.ts'
import type { AsyncKeyValueStoreDefinition, KeyValueStoreDefinition, StoreDefinition } from '../store/store-definition.ts'
import type { CheckCounts } from '../topology/compile-error.ts'
import { BatchRecordError } from './batch-record-error.ts'
import { headersOf } from './operators/headers-of.ts'
import type { BatchProcessor } from './processor.ts'
import type { ProcessorContext } from './processor-context.ts'

/** What a {@link BatchCountAggregator} forwards. */
export interface BatchCountAggregatorOptions {
  /**
   * `every-record`: one output for each input record, with the count so far. `last-per-key`: one for each key of a batch, with the count after
   * the batch, in the order of the keys' last records; how many there are then depends on how batches are cut. Default: `every-record`.
   */
  readonly emit?: 'every-record' | 'last-per-key' | undefined
}

/** A store of counts by key, on a backend of either kind. */
export type CountStore<K, Count = number> = KeyValueStoreDefinition<K, Count> | AsyncKeyValueStoreDefinition<K, Count>

/**
 * Counts records per key, whatever their value, with one `updateBatch` a batch. A record whose key is null or undefined fails.
 *
 * ```ts with=stream-of-words
 * .process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
 * ```
 */
export class BatchCountAggregator<K, V = unknown, Count = number> implements BatchProcessor<K, V, K, number> {
  readonly #definition: StoreDefinition<BatchKeyValueStore<K, number>>
  readonly #keySerde: Serde<K>
  readonly #emit: 'every-record' | 'last-per-key'

  /** Throws a `TypeError` for an `emit` that there is not. */
  constructor(store: CountStore<K, Count> & CheckCounts<Count>, options: BatchCountAggregatorOptions = {}) {
    const { emit = 'every-record' } = options
    if (emit !== 'every-record' && emit !== 'last-per-key') {
      throw new TypeError(`BatchCountAggregator: emit is ${String(emit)}; use 'every-record' or 'last-per-key'.`)
    }
    this.#definition = store as unknown as CountStore<K>
    this.#keySerde = store.key
    this.#emit = emit
  }

  async processBatch(batch: RecordBatch<K, V>, context: ProcessorContext<K, number>): Promise<void> {
    checkKeys(batch.keys, this.#keySerde)
    const counts = await context.store(this.#definition).updateBatch(batch.keys, increment)
    if (this.#emit === 'every-record') context.forwardBatch({ keys: batch.keys, values: counts, headers: headersOf(batch) })
    else forwardLast(batch, counts, lastRows(batch.keys, this.#keySerde), context)
  }
}

function increment(count: number | undefined): number {
  return (count ?? 0) + 1
}

/** Throws for the first record whose key can't be counted by. */
function checkKeys<K>(keys: readonly K[], serde: Serde<K>): void {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]
    if (key === null || key === undefined) throw new BatchRecordError(i, keyMissing(key))
  }
  if (serde.identity !== true) for (let i = 0; i < keys.length; i++) bytesOf(serde, keys[i] as K, i)
}

/** The indices of the last record of each key, ascending. */
function lastRows<K>(keys: readonly K[], serde: Serde<K>): Int32Array {
  const lastOf = new Map<unknown, number>()
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as K
    lastOf.set(serde.identity === true ? key : textOf(bytesOf(serde, key, i)), i)
  }
  return Int32Array.from(lastOf.values()).sort()
}

function keyMissing(key: unknown): MillraceError {
  const message = `The key is ${String(key)}: there is nothing to count by. Filter such records out, or give them a key with selectKey.`
  return new MillraceError('KEY_MISSING', message, { stage: 'process' })
}

function bytesOf<K>(serde: Serde<K>, key: K, index: number): Uint8Array | null {
  try {
    return serde.serialize(key)
  } catch (error) {
    throw new BatchRecordError(index, error)
  }
}

/** A string that stands for bytes, one character for each. */
function textOf(bytes: Uint8Array | null): string | null {
  if (bytes === null) return null
  let text = ''
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i] as number)
  return text
}

function forwardLast<K>(
  batch: RecordBatch<K, unknown>,
  counts: readonly number[],
  sources: Int32Array,
  context: ProcessorContext<K, number>,
): void {
  const keys = new Array<K>(sources.length)
  const values = new Array<number>(sources.length)
  for (let i = 0; i < sources.length; i++) {
    const source = sources[i] as number
    keys[i] = batch.keys[source] as K
    values[i] = counts[source] as number
  }
  const headers = headersOf(batch)
  context.forwardBatch({ keys, values, headers: headers && Array.from(sources, (source) => headers[source]), sources })
}

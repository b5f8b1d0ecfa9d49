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
 * Counts records per key, whatever their value, with one `getBatch` and one `setBatch` a batch. A record whose key is null or undefined fails.
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
    const { keys, groupOf } = groupByKey(batch.keys, this.#keySerde)
    const store = context.store(this.#definition)
    const stored = await store.getBatch(keys)
    const counts = new Array<number>(keys.length)
    for (let group = 0; group < counts.length; group++) counts[group] = stored[group] ?? 0
    const soFar = new Array<number>(batch.length)
    for (let i = 0; i < soFar.length; i++) {
      const group = groupOf[i] as number
      soFar[i] = counts[group] = (counts[group] as number) + 1
    }
    store.setBatch({ keys, values: counts })
    if (this.#emit === 'every-record') context.forwardBatch({ keys: batch.keys, values: soFar, headers: headersOf(batch) })
    else forwardLast(batch, soFar, lastRows(groupOf, keys.length), context)
  }
}

interface Groups<K> {
  /** The different keys, in the order in which they first come. */
  readonly keys: readonly K[]
  /** For each record, the index of its key. */
  readonly groupOf: Int32Array
}

function groupByKey<K>(all: readonly K[], serde: Serde<K>): Groups<K> {
  const groups = new Map<unknown, number>()
  const keys: K[] = []
  const groupOf = new Int32Array(all.length)
  for (let i = 0; i < all.length; i++) {
    const key = all[i] as K
    if (key === null || key === undefined) throw new BatchRecordError(i, keyMissing(key))
    const identity = serde.identity === true ? key : bytesIdentity(serde, key, i)
    let group = groups.get(identity)
    if (group === undefined) {
      group = keys.length
      groups.set(identity, group)
      keys.push(key)
    }
    groupOf[i] = group
  }
  return { keys, groupOf }
}

/** The indices of the last record of each key, ascending. */
function lastRows(groupOf: Int32Array, groups: number): Int32Array {
  const lastOf = new Int32Array(groups)
  for (let i = 0; i < groupOf.length; i++) lastOf[groupOf[i] as number] = i
  return lastOf.sort()
}

function keyMissing(key: unknown): MillraceError {
  const message = `The key is ${String(key)}: there is nothing to count by. Filter such records out, or give them a key with selectKey.`
  return new MillraceError('KEY_MISSING', message, { stage: 'process' })
}

/** A string that stands for the bytes of a key, one character for each. */
function bytesIdentity<K>(serde: Serde<K>, key: K, index: number): string | null {
  let bytes: Uint8Array | null
  try {
    bytes = serde.serialize(key)
  } catch (error) {
    throw new BatchRecordError(index, error)
  }
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

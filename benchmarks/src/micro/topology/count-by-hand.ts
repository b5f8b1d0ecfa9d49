import {
  type BytesColumn,
  deserializeColumn,
  type OffsetCommit,
  type RebalanceListener,
  type RecordSource,
  type RecordWriter,
  serdes,
  serializeColumn,
  silentLogger,
  type StoreBackend,
  type WireBatch,
  type WriteFailure,
} from '@millrace/core'
import { APPLICATION, CHANGELOG, COMMIT_RECORDS, INPUT, OUTPUT, type Surroundings } from './workload.ts'

const POLL_RECORDS = 10_000
const POLL_MS = 1_000
const context = { logger: silentLogger }

interface Count {
  readonly key: string
  readonly keyBytes: Uint8Array
  value: number
  changed: boolean
}

/**
 * What a good engineer would write on the same ports: one partition, every count kept in a `Map` above the store, one `getMany` for what a poll
 * brings that is new, one output record a record, and a commit that makes output and changelog durable before the offsets, and those before the
 * store. At least once, as the topology. Left out: restoring from the changelog, several partitions and their rebalances, what becomes of
 * a record or a pass that fails, a bound on memory, stream time, punctuators, events, and values, which nobody needs here.
 */
export class CountByHand implements AsyncDisposable {
  readonly #source: RecordSource
  readonly #writer: RecordWriter
  readonly #store: StoreBackend
  readonly #counts = new Map<string, Count>()
  #changed: Count[] = []
  #nextOffset = 0
  #uncommitted = 0

  private constructor(source: RecordSource, writer: RecordWriter, store: StoreBackend) {
    this.#source = source
    this.#writer = writer
    this.#store = store
  }

  /** Resolves when the partition is assigned. */
  static async open({ transport }: Surroundings, store: StoreBackend): Promise<CountByHand> {
    const source = await transport.openSource(
      { groupId: APPLICATION, clientId: 'by-hand', isolation: 'read-uncommitted', maxPollRecords: POLL_RECORDS },
      context,
    )
    const writer = await transport.openWriter({ clientId: 'by-hand' }, context)
    const count = new CountByHand(source, writer, store)
    await new Promise<void>((resolve, reject) => {
      source.subscribe([INPUT], count.#listener(resolve)).catch(reject)
    })
    return count
  }

  /** Processes and commits so many records. */
  async run(records: number): Promise<void> {
    let left = records
    while (left > 0) {
      const { batches } = await this.#source.poll(POLL_MS)
      for (const wire of batches) {
        await this.#process(wire)
        left -= wire.length
        wire.release()
        if (this.#uncommitted >= COMMIT_RECORDS) await this.#commit()
      }
    }
    await this.#commit()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source.close()
    await this.#writer.close()
    await this.#store.close()
  }

  async #process(wire: WireBatch): Promise<void> {
    const { values: keys, failures } = deserializeColumn(serdes.string, wire.keys)
    if (failures[0] !== undefined) throw failures[0].error
    const counts = await this.#countsOf(keys)
    const values = new Array<number>(keys.length)
    for (let i = 0; i < values.length; i++) {
      const count = counts[i] as Count
      values[i] = ++count.value
      if (count.changed) continue
      count.changed = true
      this.#changed.push(count)
    }
    await this.#writer.writeBatch({
      topic: OUTPUT,
      length: wire.length,
      keys: wire.keys,
      values: serializeColumn(serdes.safeInt64, values),
      timestamps: wire.timestamps,
      headers: wire.headers,
    })
    this.#uncommitted += wire.length
    this.#nextOffset = (wire.offsets[wire.length - 1] as number) + 1
  }

  /** The count of each key, by position. */
  async #countsOf(keys: readonly string[]): Promise<Count[]> {
    const counts = new Array<Count>(keys.length)
    const missing: Count[] = []
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string
      let count = this.#counts.get(key)
      if (count === undefined) {
        count = { key, keyBytes: serdes.string.serialize(key) as Uint8Array, value: 0, changed: false }
        this.#counts.set(key, count)
        missing.push(count)
      }
      counts[i] = count
    }
    if (missing.length === 0) return counts
    const stored = await this.#store.getMany(missing.map(({ keyBytes }) => keyBytes))
    for (let i = 0; i < missing.length; i++) {
      const bytes = stored[i]
      if (bytes !== undefined) (missing[i] as Count).value = serdes.safeInt64.deserialize(bytes, 0, bytes.byteLength)
    }
    return counts
  }

  async #commit(): Promise<void> {
    const changed = this.#changed
    if (this.#uncommitted === 0) return
    this.#changed = []
    this.#uncommitted = 0
    const keys = changed.map(({ keyBytes }) => keyBytes)
    const values = changed.map(({ value }) => serdes.safeInt64.serialize(value) as Uint8Array)
    const views = (column: readonly Uint8Array[]): BytesColumn => ({ form: 'views', length: column.length, views: column })
    await this.#writer.writeBatch({
      topic: CHANGELOG,
      length: changed.length,
      keys: views(keys),
      values: views(values),
      timestamps: new Float64Array(changed.length).fill(Date.now()),
      partitions: new Int32Array(changed.length),
    })
    throwFirst(await this.#writer.flush())
    const offset: OffsetCommit = { topic: INPUT, partition: 0, offset: this.#nextOffset }
    await this.#source.commit([offset])
    await this.#store.write(keys.map((key, i) => ({ key, value: values[i] })))
    for (const count of changed) count.changed = false
  }

  #listener(assigned: () => void): RebalanceListener {
    return {
      onAssigned: async (partitions) => {
        const committed = await this.#source.committed(partitions)
        if (partitions.length > 0) assigned()
        return partitions.map(({ topic, partition }) => ({ topic, partition, offset: committed[0]?.offset ?? 0 }))
      },
      onRevoked: async () => undefined,
      onLost: async () => undefined,
    }
  }
}

function throwFirst([failure]: readonly WriteFailure[]): void {
  if (failure !== undefined) throw failure.error
}

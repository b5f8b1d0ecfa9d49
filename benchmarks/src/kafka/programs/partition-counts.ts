import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'

/** What is known of one key. */
export interface Count {
  readonly key: string
  readonly keyBytes: Buffer
  value: number
  /** Of the record that was counted last. */
  timestamp: number
  /** Since the last commit. */
  changed: boolean
}

/** Of each partition: about as many of such keys as Millrace's state cache of each store keeps by default. */
const KEPT = 65_536

/**
 * The counts of one partition, in LevelDB. Those that were used lately are in memory too, in two generations: when the young one has half of them it becomes the
 * old one, and what was left in the old one is forgotten. What is changed stays until it is saved.
 */
export class PartitionCounts {
  readonly partition: number
  readonly #database: ClassicLevel<Buffer, Buffer>
  readonly #half: number
  #young = new Map<string, Count>()
  #old = new Map<string, Count>()
  #missing: Count[] = []
  #changed: Count[] = []

  private constructor(partition: number, database: ClassicLevel<Buffer, Buffer>, kept: number) {
    this.partition = partition
    this.#database = database
    this.#half = kept / 2
  }

  /** In a folder below `stateDir`, with nothing in it, whatever that held. `kept`: how many counts stay in memory. */
  static async open(stateDir: string, partition: number, kept = KEPT): Promise<PartitionCounts> {
    const folder = join(stateDir, String(partition))
    await rm(folder, { recursive: true, force: true })
    await mkdir(stateDir, { recursive: true })
    const database = new ClassicLevel<Buffer, Buffer>(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    await database.open()
    return new PartitionCounts(partition, database, kept)
  }

  /** The count of a key, of which its bytes are made unless they are there; its value is known once `load` has resolved. */
  find(key: string, keyBytes?: Buffer): Count {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    let count = this.#old.get(key)
    if (count === undefined) {
      count = { key, keyBytes: keyBytes ?? Buffer.from(key), value: 0, timestamp: 0, changed: false }
      this.#missing.push(count)
    }
    this.#young.set(key, count)
    return count
  }

  /** Reads those that were not in memory. */
  async load(): Promise<void> {
    const missing = this.#missing
    if (missing.length === 0) return
    this.#missing = []
    const stored = await this.#database.getMany(missing.map(({ keyBytes }) => keyBytes))
    stored.forEach((bytes, i) => {
      if (bytes !== undefined) missing[i]!.value = numberIn(bytes)
    })
  }

  /** One record more. */
  increment(count: Count, timestamp: number): void {
    count.value++
    count.timestamp = timestamp
    if (count.changed) return
    count.changed = true
    this.#changed.push(count)
  }

  /** What has changed since this was last saved. */
  get changed(): readonly Count[] {
    return this.#changed
  }

  /** Writes what has changed, in one batch. */
  async save(): Promise<void> {
    const changed = this.#changed
    this.#changed = []
    if (changed.length > 0) {
      const batch = this.#database.batch()
      for (const count of changed) {
        batch.put(count.keyBytes, int64(Buffer.allocUnsafe(8), count.value))
        count.changed = false
      }
      await batch.write()
    }
    if (this.#young.size <= this.#half) return
    this.#old = this.#young
    this.#young = new Map()
  }

  /** Stores what a changelog says. */
  async restore(records: readonly { readonly key: Buffer | null; readonly value: Buffer | null }[]): Promise<void> {
    const batch = this.#database.batch()
    for (const { key, value } of records) {
      if (value === null) batch.del(key as Buffer)
      else batch.put(key as Buffer, value)
    }
    await batch.write()
  }

  /** What is stored. */
  async *entries(): AsyncGenerator<readonly [string, number]> {
    for await (const [key, value] of this.#database.iterator()) yield [key.toString(), numberIn(value)]
  }

  close(): Promise<void> {
    return this.#database.close()
  }
}

/** What several of them hold, one after the other. */
export async function* allEntries(partitions: Iterable<PartitionCounts>): AsyncGenerator<readonly [string, number]> {
  for (const partition of partitions) yield* partition.entries()
}

/** Into these bytes, in the layout of Kafka's own serializer of a long. */
export function int64(bytes: Buffer, value: number, at = 0): Buffer {
  bytes.writeInt32BE(Math.floor(value / 4_294_967_296), at)
  bytes.writeUInt32BE(value >>> 0, at + 4)
  return bytes
}

function numberIn(bytes: Buffer): number {
  return Number(bytes.readBigInt64BE())
}

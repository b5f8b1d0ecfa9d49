import { columnByteLength } from '@millrace/core'
import type { ConsumerClient, Fetched } from '../client/kafka-client.ts'
import { Signal } from '../internal/signal.ts'
import { Turnstile } from '../internal/turnstile.ts'
import type { ReadPartition, ReadPartitions } from './read-partition.ts'
import type { Shelf } from './shelf.ts'

/** The client may forget to say that it has something: it is asked at least this often. */
const LOOK_MS = 200
/** While something is awaited that only comes with a fetch. */
const URGENT_LOOK_MS = 2
/** When nobody takes what is on the shelf for so long, the client stops reading: until then its own bounded buffer holds what arrives. */
const STALL_MS = 1_000
/** After a fetch that failed. */
const FAILED_MS = 100
/**
 * What one fetch takes, roughly, going by the size of the records before. Each record is a buffer of its own that waits to be collected: large
 * records, taken by the thousand, would be most of the memory of a process.
 */
const FETCH_BYTES = 512 * 1024
/** What paused partitions may have on the shelf before the client is told to pause them too, besides as many records as a poll hands out. */
const MAX_PAUSED_BYTES = 16 * 1024 * 1024

export interface PumpParts {
  readonly client: ConsumerClient
  readonly partitions: ReadPartitions
  readonly shelf: Shelf
  readonly maxRecords: number
  /** Whether somebody waits for an event that only comes with a fetch, a commit's for one. */
  readonly isUrgent: () => boolean
  /** After each fetch, also one that brought nothing. */
  readonly onFetched: () => void
  readonly onError: (error: unknown) => void
}

/**
 * Fetches: one at a time, and one ahead of who polls. The client serves rebalances and commits only while it is asked for records, and puts
 * them behind the records that wait in its queue; so the queue must be emptied now and then even if nobody polls. Pausing does that, and costs
 * all that was read ahead, so it is done late: when nobody has polled for a while, or when much waits for paused partitions.
 */
export class Pump {
  readonly #parts: PumpParts
  readonly #turnstile = new Turnstile()
  readonly #signal = new Signal()
  #running: Promise<void> | undefined
  #stopped = false
  /** The client may have something. */
  #ready = false
  #asked: (() => void)[] = []
  #fetchedAt = -Infinity
  /** When records were last fetched as fast as they come. */
  #flowedAt = performance.now()
  /** Everything is held, because nobody polls. */
  #stalled = false
  /** Bytes of a record, going by the last fetch that brought any. */
  #recordBytes = 0

  constructor(parts: PumpParts) {
    this.#parts = parts
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** The client says that it has something. */
  ready(): void {
    this.#ready = true
    this.#signal.wake()
  }

  /** Something has changed: the shelf was emptied, a commit was sent. */
  wake(): void {
    this.#signal.wake()
  }

  /** Resolves when what the client has now is on the shelf, as far as there is room. */
  look(): Promise<void> {
    if (this.#stopped || this.#running === undefined) return Promise.resolve()
    return new Promise((resolve) => {
      this.#asked.push(resolve)
      this.#signal.wake()
    })
  }

  /** Runs `action` while no fetch is under way and none begins. */
  exclusively<T>(action: () => T | Promise<T>): Promise<T> {
    return this.#turnstile.run(action)
  }

  /** Lets the client read a partition again; while nobody polls it has to wait. */
  release(read: ReadPartition): void {
    if (!read.held || this.#stalled) return
    read.held = false
    this.#parts.client.resume([{ topic: read.topic, partition: read.partition }])
  }

  /** Makes the client stop reading partitions. */
  hold(reads: Iterable<ReadPartition>): void {
    const held: { topic: string; partition: number }[] = []
    for (const read of reads) {
      if (read.held || read.position < 0) continue
      read.held = true
      held.push({ topic: read.topic, partition: read.partition })
    }
    if (held.length > 0) this.#parts.client.pause(held)
  }

  /** Whether partitions that are assigned now have to be held. */
  get stalled(): boolean {
    return this.#stalled
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#signal.wake()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const waitMs = this.#waitMs()
      if (waitMs > 0) await this.#signal.wait(waitMs)
      else await this.#turnstile.run(() => this.#fetch())
    }
    this.#answer(this.#asked)
  }

  /** How long there is nothing to do, should nothing happen; 0: fetch now. */
  #waitMs(): number {
    const waited = performance.now() - this.#fetchedAt
    const every = this.#parts.isUrgent() ? URGENT_LOOK_MS : LOOK_MS
    const hasRoom = this.#hasRoom
    if (hasRoom && this.#stalled) return 0
    if (hasRoom || this.#stalled) return this.#ready || this.#asked.length > 0 ? 0 : every - waited
    // What the client has must wait, unless somebody waits for an event.
    if (this.#parts.isUrgent()) return every - waited
    return this.#flowedAt + STALL_MS - performance.now()
  }

  get #hasRoom(): boolean {
    return !this.#parts.shelf.hasAny
  }

  async #fetch(): Promise<void> {
    if (this.#stopped) return
    const { client, shelf, onError, onFetched } = this.#parts
    const hasRoom = this.#hasRoom
    this.#settle(hasRoom)
    // With a full shelf one record at a time, so that an event comes nearer that is somewhere behind them.
    const count = hasRoom || this.#stalled ? this.#fetchSize() : 1
    const asked = this.#asked
    this.#asked = []
    this.#ready = false
    try {
      const fetched = await client.fetch(count)
      if (fetched.records >= count) this.#ready = true
      // The client's queue is empty.
      else this.#parts.partitions.trailing = false
      if (fetched.records > 0) this.#recordBytes = bytesOf(fetched) / fetched.records
      shelf.file(fetched)
      this.#holdPaused()
    } catch (error) {
      onError(error)
      await this.#signal.wait(FAILED_MS)
    }
    this.#fetchedAt = performance.now()
    this.#answer(asked)
    // Who asked meanwhile, asked because there was nothing; now there is, and no fetch may follow soon.
    if (!this.#hasRoom) this.#answer(this.#asked.splice(0))
    onFetched()
  }

  #fetchSize(): number {
    return Math.max(1, Math.min(this.#parts.maxRecords, Math.floor(FETCH_BYTES / Math.max(1, this.#recordBytes))))
  }

  /** Holds everything when nobody polls, and lets it go when somebody does. */
  #settle(hasRoom: boolean): void {
    const now = performance.now()
    if (hasRoom) {
      this.#flowedAt = now
      if (!this.#stalled) return
      this.#stalled = false
      for (const read of this.#parts.partitions) if (!read.paused) this.release(read)
    } else if (!this.#stalled && now - this.#flowedAt >= STALL_MS) {
      this.#stalled = true
      this.hold(this.#parts.partitions)
    }
  }

  #holdPaused(): void {
    const { records, bytes } = this.#parts.shelf.paused()
    if (records < this.#parts.maxRecords && bytes < MAX_PAUSED_BYTES) return
    this.hold([...this.#parts.partitions].filter(({ paused }) => paused))
  }

  #answer(asked: readonly (() => void)[]): void {
    for (const resolve of asked) resolve()
  }
}

function bytesOf({ batches }: Fetched): number {
  let bytes = 0
  for (const { keys, values } of batches) bytes += columnByteLength(keys) + columnByteLength(values)
  return bytes
}

import { bytesAt, columnByteLength, MillraceError, type StoreChange, type WireBatch } from '@millrace/core'
import type { ChangeloggedStore } from './changelogged-store.ts'
import type { TaskStores } from './task-stores.ts'

/** Records of one write: enough that a write costs little a record, few enough that it does not hold up everything else. */
const CHUNK_RECORDS = 2_000
const CHUNK_BYTES = 1_048_576

/** What is to be restored: one store, from its changelog. */
export interface RestoreRange {
  readonly task: string
  readonly stores: TaskStores
  readonly entry: ChangeloggedStore
  /** The first offset to be read. */
  readonly from: number
  /** Where it ends; infinite for what goes on until it is stopped. */
  readonly to: number
  /** When that was the changelog's end, milliseconds since the epoch. */
  readonly plannedAt: number
}

/** Writes what is read of one changelog into its store: in order, and at once while more is read. */
export class RestoreJob implements RestoreRange {
  readonly task: string
  readonly stores: TaskStores
  readonly entry: ChangeloggedStore
  readonly from: number
  readonly to: number
  readonly plannedAt: number
  readonly #onWritten: () => void
  #queue: { readonly wire: WireBatch; readonly bytes: number }[] = []
  /** The first row of the first waiting batch that is not written. */
  #row = 0
  /** Everything below it has been read. */
  #read: number
  #busy = false
  #writing: Promise<void> = Promise.resolve()
  #records = 0
  #failure: { readonly error: unknown } | undefined
  /** The position that was last written beside the entries. */
  #written: number | undefined
  #completed = false
  #stopped = false

  /** `onWritten` is called after each write, and when one failed. */
  constructor({ task, stores, entry, from, to, plannedAt }: RestoreRange, onWritten: () => void) {
    this.task = task
    this.stores = stores
    this.entry = entry
    this.from = from
    this.to = to
    this.plannedAt = plannedAt
    this.#read = from
    this.#written = entry.position
    this.#onWritten = onWritten
  }

  /** Records read and not yet written. */
  waitingRecords = 0
  /** Their bytes. */
  waitingBytes = 0

  /** How many records were written. */
  get records(): number {
    return this.#records
  }

  /** The changelog's records below it are in the store. */
  get position(): number {
    return this.entry.position ?? this.from
  }

  /** The first offset that has not been read. */
  get next(): number {
    return this.#read
  }

  /** Whether everything up to the end has been read, if not written. */
  get allRead(): boolean {
    return this.#read >= this.to
  }

  /** Whether everything up to the end is in the store. */
  get completed(): boolean {
    return this.#completed
  }

  /** Why writing ended. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /** Takes what was read; the batch is released when it is written. */
  offer(wire: WireBatch): void {
    if (this.#ended) {
      wire.release()
      return
    }
    const bytes = columnByteLength(wire.keys) + columnByteLength(wire.values)
    this.#queue.push({ wire, bytes })
    this.#read = (wire.offsets[wire.length - 1] as number) + 1
    this.waitingRecords += wire.length
    this.waitingBytes += bytes
    this.#begin()
  }

  /** The changelog was read up to `offset`: what is missing below it are records that nobody can see. */
  offerEnd(offset: number): void {
    if (this.#ended || offset <= this.#read) return
    this.#read = offset
    this.#begin()
  }

  /** Drops what waits; resolves when nothing is being written any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#writing
    for (const { wire } of this.#queue.splice(0)) wire.release()
  }

  get #ended(): boolean {
    return this.#completed || this.#stopped || this.#failure !== undefined
  }

  #begin(): void {
    if (this.#busy) return
    this.#busy = true
    this.#writing = this.#write()
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    try {
      while (this.#queue.length > 0 && !this.#stopped) {
        await this.#writeSome()
        this.#onWritten()
      }
      if (!this.#stopped) {
        // Behind what was written last there may have been records that nobody can see.
        if (this.#read > this.position) this.entry.position = Math.min(this.#read, this.to)
        if (this.allRead) await this.#complete()
      }
    } catch (error) {
      this.#failure = { error }
    }
    // Without a wait since the last look: what comes from now on has to begin anew.
    this.#busy = false
    this.#onWritten()
  }

  async #writeSome(): Promise<void> {
    const written = this.entry.store.persistent ? new LastChanges() : new AllChanges()
    let finished = 0
    let records = 0
    let beyond = 0
    let bytes = 0
    let position = this.position
    while (records < CHUNK_RECORDS && bytes < CHUNK_BYTES) {
      const wire = this.#queue[finished]?.wire
      if (wire === undefined) break
      const row = this.#row
      const offset = wire.offsets[row] as number
      if (offset >= this.to) beyond++
      const change = offset < this.to ? this.#changeAt(wire, row) : undefined
      if (change !== undefined) {
        written.add(change)
        bytes += change.key.byteLength + (change.value?.byteLength ?? 0)
      }
      records++
      position = Math.min(offset + 1, this.to)
      this.#row = row + 1
      if (this.#row < wire.length) continue
      finished++
      this.#row = 0
    }
    await this.entry.store.restore(written.changes, this.stores.metadata(this.entry, position))
    this.entry.position = position
    this.#written = position
    this.#records += records - beyond
    this.waitingRecords -= records
    for (const { wire, bytes: size } of this.#queue.splice(0, finished)) {
      this.waitingBytes -= size
      wire.release()
    }
  }

  /** Undefined for what changes nothing. */
  #changeAt({ keys, values, offsets, timestamps }: WireBatch, row: number): StoreChange | undefined {
    const key = bytesAt(keys, row)
    // Records without a key mean nothing in a changelog.
    if (key === null) return undefined
    try {
      return this.entry.store.changeOf(key, bytesAt(values, row) ?? undefined, timestamps[row] as number)
    } catch (cause) {
      const { definition, topic, partition } = this.entry
      const offset = offsets[row] as number
      throw new MillraceError(
        'CHANGELOG_INVALID',
        `The record at offset ${offset} of ${topic}-${partition} is none of a changelog of store '${definition.name}': ${cause instanceof Error ? cause.message : String(cause)}. ` +
          `Is it the changelog of another kind of store?`,
        { stage: 'store', task: this.task, topic, partition, offset, cause },
      )
    }
  }

  async #complete(): Promise<void> {
    const { entry, to, plannedAt } = this
    if (this.#written !== to || entry.upToDateAt !== plannedAt) {
      entry.upToDateAt = plannedAt
      await entry.store.restore([], this.stores.metadata(entry, to))
      entry.position = to
    }
    this.#completed = true
  }
}

/** Of each key the last one: a disk is spared what is overwritten at once. */
class LastChanges {
  readonly #last = new Map<string, StoreChange>()

  get changes(): readonly StoreChange[] {
    return [...this.#last.values()]
  }

  add(change: StoreChange): void {
    this.#last.set(idOf(change.key), change)
  }
}

/** In memory overwriting costs no more than finding out what is overwritten. */
class AllChanges {
  readonly changes: StoreChange[] = []

  add(change: StoreChange): void {
    this.changes.push(change)
  }
}

function idOf(key: Uint8Array): string {
  const buffer = Buffer.isBuffer(key) ? key : Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  return buffer.toString('latin1')
}

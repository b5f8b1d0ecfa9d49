import { type ByteRange, type BytesColumn, type StoreBackend, type StoreRow, viewColumn } from '@millrace/core'
import { type Entry, newEntry } from './entry.ts'
import { mergedScan, overlay } from './merged-scan.ts'
import { OpenChanges, orderOf } from './open-changes.ts'
import { type Slot, SlotTable } from './slot-table.ts'
import type { SortedIds } from './sorted-ids.ts'

/** What finished passes changed: one changelog record for each key, in the order in which keys were first changed. */
export interface SealedChanges {
  readonly length: number
  readonly keys: BytesColumn
  /** Null: deleted. */
  readonly values: BytesColumn
  readonly timestamps: ArrayLike<number>
}

/** What is being committed. */
interface Sealed {
  readonly slots: readonly Slot[]
  /** Of the slots: what the backend is to hold. */
  readonly entries: readonly Entry[]
  readonly bytes: number
  /** Made by the first scan. */
  order?: SortedIds<Slot>
}

export interface StoreLayersOptions {
  /** Memory for committed entries above the backend, in bytes. */
  readonly cacheBytes: number
  /** The values of entries as one column, null where they have none. */
  readonly valuesOf: (entries: readonly Entry[]) => BytesColumn
}

/**
 * Open over sealed over cache over backend. A pass writes into the open layer, which takes its changes back when it fails; a commit seals what
 * finished passes left in the open layer, and writes it to the backend once it is confirmed.
 */
export class StoreLayers {
  readonly #backend: StoreBackend
  readonly #valuesOf: StoreLayersOptions['valuesOf']
  readonly #table: SlotTable
  readonly #open = new OpenChanges()
  #passing = false
  /** Counts what began: passes, and their parts. */
  #passes = 0
  #sealed: Sealed | undefined
  /** Counts what changes the backend under reads in flight. */
  #version = 0
  #updates = 0
  #changes = 0

  constructor(backend: StoreBackend, { cacheBytes, valuesOf }: StoreLayersOptions) {
    this.#backend = backend
    this.#valuesOf = valuesOf
    this.#table = new SlotTable(cacheBytes)
  }

  /** The number of the pass under way, or of the part of it, if there is one. */
  get pass(): number | undefined {
    return this.#passing ? this.#passes : undefined
  }

  /** What the pass under way has changed, in bytes of memory. */
  get attemptBytes(): number {
    return this.#open.passBytes
  }

  /** What finished passes changed and no commit has written yet, in bytes of memory. */
  get uncommittedBytes(): number {
    return this.#open.bytes + (this.#sealed?.bytes ?? 0)
  }

  /** A number for an update, by which slots tell that it has met them: of all handles together, since they share the slots. */
  nextUpdate(): number {
    return this.#updates++
  }

  /** Counts what may change what is read: who has waited knows by it whether what was read before counts still. */
  get changes(): number {
    return this.#changes
  }

  begin(): void {
    if (this.#passing) throw new Error('A pass began before the one before it had ended.')
    this.#passing = true
    this.#passes++
  }

  succeed(): void {
    this.#open.succeed()
    this.#passing = false
  }

  rollback(): void {
    this.#changes++
    for (const slot of this.#open.rollback()) this.#table.tidy(slot)
    this.#passing = false
  }

  /** A part of the pass is done: `undo` leaves it alone. */
  keep(): void {
    this.#open.keep()
    this.#passes++
  }

  /** A part of the pass failed: the store is as it was when the last one was kept. */
  undo(): void {
    this.#changes++
    for (const slot of this.#open.undo()) this.#table.tidy(slot)
    this.#passes++
  }

  /** `found`: what `find` gave for the key. `change` is copied. */
  write(id: unknown, found: Slot | undefined, change: Entry): void {
    if (!this.#passing) return
    this.#changes++
    this.#open.put(this.#table.slotOf(id, found), change)
  }

  /** What is known of a key: see `entryIn`. */
  find(id: unknown): Slot | undefined {
    return this.#table.get(id)
  }

  /** The entry as this pass sees it, if some layer knows it. */
  known(id: unknown): Entry | undefined {
    const slot = this.#table.get(id)
    return slot === undefined ? undefined : entryIn(slot)
  }

  /** Reads from a synchronous backend what no layer knows. */
  load(id: unknown, keyBytes: Uint8Array): Entry {
    const entry = newEntry(keyBytes, this.#backend.get?.(keyBytes))
    this.#table.keep(id, entry)
    return entry
  }

  /** Reads what no layer knows, all at once. */
  async loadMany(ids: readonly unknown[], keys: readonly Uint8Array[]): Promise<Entry[]> {
    const version = this.#version
    const values = await this.#backend.getMany(keys)
    const entries = new Array<Entry>(keys.length)
    for (let i = 0; i < keys.length; i++) {
      const entry = newEntry(keys[i] as Uint8Array, values[i])
      entries[i] = entry
      // What a commit has written meanwhile must not be hidden by what was read before it.
      if (version === this.#version) this.#table.keep(ids[i], entry)
    }
    return entries
  }

  /** Rows of a range as this pass sees the store when the first page is asked for. */
  async *scan(range: ByteRange, pageSize: number): AsyncGenerator<readonly StoreRow[]> {
    // No wait between the two: what is sealed must not move to the backend in between.
    const changes = this.#changesWithin(range)
    const rows = this.#backend.scan(range, pageSize)
    yield* mergedScan(rows, changes, { pageSize, reverse: range.reverse === true })
  }

  /** Entries, roughly: changes that are not committed count as new ones. */
  async approximateSize(): Promise<number> {
    return (await this.#backend.approximateSize()) + this.#open.size + (this.#sealed?.slots.length ?? 0)
  }

  /** Takes what finished passes changed for a commit. Throws if the last one taken is not persisted yet. */
  seal(): SealedChanges | undefined {
    if (this.#sealed !== undefined) throw new Error('A store was sealed while an earlier commit of it was under way.')
    const { bytes } = this.#open
    const slots = this.#open.seal()
    if (slots.length === 0) return undefined
    const entries = slots.map((slot) => slot.sealed as Entry)
    const timestamps = new Float64Array(entries.length)
    for (const [i, entry] of entries.entries()) {
      entry.settle()
      timestamps[i] = entry.moment.timestamp
    }
    this.#sealed = { slots, entries, bytes }
    return { length: entries.length, keys: viewColumn(entries.map(({ key }) => key)), values: this.#valuesOf(entries), timestamps }
  }

  /** The commit is confirmed: writes what was sealed, with `metadata`, in one piece. Resolves to the number of changes. */
  async persist(metadata: Uint8Array, synced: boolean): Promise<number> {
    const sealed = this.#sealed
    await this.#backend.write(sealed?.entries ?? [], metadata, synced)
    if (sealed === undefined) return 0
    this.#version++
    if (sealed !== this.#sealed) {
      // Discarded meanwhile: what was read since may be from before the write.
      this.#table.forgetClean()
      return sealed.entries.length
    }
    this.#sealed = undefined
    for (const [i, slot] of sealed.slots.entries()) {
      slot.sealed = undefined
      this.#table.keepIn(slot, slot.id, sealed.entries[i] as Entry)
    }
    return sealed.entries.length
  }

  /** Drops all that is not in the backend. */
  discard(): void {
    this.#changes++
    this.#passing = false
    this.#open.discard()
    for (const slot of this.#sealed?.slots ?? []) slot.sealed = undefined
    this.#sealed = undefined
    this.#table.forgetClean()
    this.#version++
  }

  /** In the order of the range; of several changes of one key the latest. Deletions are among them. */
  #changesWithin(range: ByteRange): readonly Entry[] {
    const open = this.#open.within(range)
    const changes = this.#sealed === undefined ? open : overlay(open, sealedWithin(this.#sealed, range))
    return range.reverse === true ? changes.toReversed() : changes
  }
}

/** The entry that counts. */
export function entryIn({ open, sealed, clean }: Slot): Entry | undefined {
  return open ?? sealed ?? clean
}

function sealedWithin(sealed: Sealed, range: ByteRange): Entry[] {
  const entryOf = (slot: Slot) => slot.sealed as Entry
  sealed.order ??= orderOf(sealed.slots, entryOf)
  return sealed.order.within(range).map(({ id }) => entryOf(id))
}

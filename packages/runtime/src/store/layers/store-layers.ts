import {
  type ByteRange,
  bytesAt,
  type BytesColumn,
  type PackedColumn,
  type StoreBackend,
  type StoreChange,
  type StoreRow,
  viewColumn,
} from '@millrace/core'
import { mergedScan, overlay } from './merged-scan.ts'
import { OpenChanges } from './open-changes.ts'
import { ownText } from './own-text.ts'
import { type Change, CLEAN, type Content, type KeyColumn, SlotTable } from './slot-table.ts'
import { SortedIds } from './sorted-ids.ts'
import type { StoreCodec } from './store-codec.ts'

/** What finished passes changed: one changelog record for each key, in the order in which keys were first changed. */
export interface SealedChanges {
  readonly length: number
  readonly keys: BytesColumn
  /** Null: deleted. */
  readonly values: BytesColumn
  readonly timestamps: ArrayLike<number>
}

/** What is being committed. */
interface Sealed extends Omit<SealedChanges, 'values'> {
  values: BytesColumn
  readonly slots: readonly number[]
  readonly bytes: number
  /** Made by the first scan: which of them. */
  order?: SortedIds<number>
}

/** What a commit takes of the table. */
interface Taken {
  readonly slots: readonly number[]
  readonly keys: PackedColumn
  readonly timestamps: Float64Array
  readonly contents: readonly Content[]
  readonly decoded: readonly unknown[]
}

const NO_VALUES = viewColumn([])

export interface StoreLayersOptions {
  /** Memory for committed entries above the backend, in bytes. */
  readonly cacheBytes: number
  readonly codec: StoreCodec
}

/**
 * Open over sealed over cache over backend. A pass writes into the open layer, which takes its changes back when it fails; a commit seals what
 * finished passes left in the open layer, and writes it to the backend once it is confirmed. All three layers above the backend are one table: of each key
 * it has what counts.
 */
export class StoreLayers {
  readonly #backend: StoreBackend
  readonly #codec: StoreCodec
  readonly table: SlotTable
  readonly #open: OpenChanges
  #passing = false
  /** Counts what began: passes, and their parts. */
  #passes = 0
  #sealed: Sealed | undefined
  /** Counts what changes the backend under reads in flight. */
  #version = 0
  #changes = 0
  readonly #read: Change = { content: undefined, decoded: undefined, timestamp: -1, bytes: 0 }

  constructor(backend: StoreBackend, { cacheBytes, codec }: StoreLayersOptions) {
    this.#backend = backend
    this.#codec = codec
    this.table = new SlotTable(cacheBytes)
    this.#open = new OpenChanges(this.table)
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
    this.#settle(this.#open.rollback())
    this.#passing = false
  }

  /** A part of the pass is done: `undo` leaves it alone. */
  keep(): void {
    this.#open.keep()
    this.#passes++
  }

  /** A part of the pass failed: the store is as it was when the last one was kept. */
  undo(): void {
    this.#settle(this.#open.undo())
    this.#passes++
  }

  /** `slot`: the key's own, if it is known; -1: it is looked up. */
  write(keys: KeyColumn, row: number, slot: number, change: Change): void {
    if (!this.#passing) return
    this.#changes++
    let at = slot < 0 ? this.table.find(keys, row) : slot
    if (at < 0) at = this.table.add(keys, row)
    this.#open.put(at, change)
  }

  /** Reads from a synchronous backend what no layer knows. */
  load(keys: KeyColumn, row: number): { readonly slot: number; readonly value: Uint8Array | undefined } {
    const value = this.#backend.get?.(keys.bytes.subarray(keys.starts[row], keys.ends[row]))
    return { slot: this.#keep(keys, row, value), value }
  }

  /** Reads what no layer knows, all at once: these rows of `keys`. `onRead` gets each, and its slot if it was kept: else -1. */
  async loadMany(
    keys: KeyColumn,
    rows: readonly number[],
    onRead: (i: number, slot: number, value: Uint8Array | undefined) => void,
  ): Promise<void> {
    const version = this.#version
    const values = await this.#backend.getMany(copiesOf(keys, rows))
    // What a commit has written meanwhile must not be hidden by what was read before it.
    const isNew = version === this.#version
    for (const [i, row] of rows.entries()) onRead(i, isNew ? this.#keep(keys, row, values[i]) : -1, values[i])
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
    return (await this.#backend.approximateSize()) + this.#open.size + (this.#sealed?.length ?? 0)
  }

  /** Takes what finished passes changed for a commit. Throws if the last one taken is not persisted yet. */
  seal(): SealedChanges | undefined {
    if (this.#sealed !== undefined) throw new Error('A store was sealed while an earlier commit of it was under way.')
    const { bytes } = this.#open
    let taken: Taken | undefined
    this.#open.seal((slots) => {
      if (slots.length > 0) taken = this.#take(slots)
    })
    if (taken === undefined) return undefined
    const { slots, keys, timestamps, contents, decoded } = taken
    const sealed: Sealed = { slots, bytes, length: slots.length, keys, values: NO_VALUES, timestamps }
    this.#sealed = sealed
    // The serde is the user's, and may use the store itself.
    sealed.values = this.#codec.columnOf(contents, decoded)
    return sealed
  }

  #take(slots: readonly number[]): Taken {
    const { table } = this
    const { length } = slots
    const timestamps = new Float64Array(length)
    const contents = new Array<Content>(length)
    const decoded = new Array<unknown>(length)
    for (const [i, slot] of slots.entries()) {
      timestamps[i] = table.timestampOf(slot)
      contents[i] = table.contentOf(slot)
      decoded[i] = ownText(table.decodedOf(slot))
      // It may be kept for long.
      if (typeof decoded[i] === 'string') table.hasDecoded(slot, decoded[i], contents[i])
    }
    return { slots, keys: keysOf(slots, table), timestamps, contents, decoded }
  }

  /** The commit is confirmed: writes what was sealed, with `metadata`, in one piece. Resolves to the number of changes. */
  async persist(metadata: Uint8Array, synced: boolean): Promise<number> {
    const sealed = this.#sealed
    if (sealed === undefined) await this.#backend.write([], metadata, synced)
    else if (this.#backend.writeColumns === undefined) await this.#backend.write(changesOf(sealed), metadata, synced)
    else await this.#backend.writeColumns(sealed.keys, sealed.values, metadata, synced)
    const { table } = this
    if (sealed !== undefined) {
      this.#version++
      if (sealed === this.#sealed) {
        this.#sealed = undefined
        this.#open.committed()
        table.keepAll(sealed.slots)
      } else {
        // Discarded meanwhile: what was read since may be from before the write.
        table.forgetClean()
        this.#open.forgetClean()
      }
    }
    // What is being committed by now has its numbers.
    const renumbered = this.#sealed === undefined ? table.closeUp() : undefined
    if (renumbered !== undefined) this.#open.renumber(renumbered)
    return sealed?.length ?? 0
  }

  /** Drops all that is not in the backend. */
  discard(): void {
    this.#changes++
    this.#passing = false
    this.#open.discard()
    this.#sealed = undefined
    this.table.clear()
    this.#version++
  }

  #settle(unchanged: readonly number[]): void {
    this.#changes++
    for (const slot of unchanged) this.table.settle(slot)
  }

  /** Keeps what the backend holds for a key of which nothing else is known; its slot then, else -1. */
  #keep(keys: KeyColumn, row: number, value: Uint8Array | undefined): number {
    const { table } = this
    const known = table.find(keys, row)
    if (known >= 0 && table.kindOf(known) !== CLEAN) return -1
    const slot = known < 0 ? table.add(keys, row) : known
    this.#read.content = value
    this.#read.bytes = value?.byteLength ?? 0
    table.put(slot, CLEAN, this.#read)
    this.#read.content = undefined
    return table.keep(slot) ? slot : -1
  }

  /** In the order of the range; of several changes of one key the latest. Deletions are among them. */
  #changesWithin(range: ByteRange): readonly StoreChange[] {
    const open = this.#open.within(range).map((slot) => ({
      key: this.table.keyOf(slot),
      value: this.#codec.bytesOf(this.table.contentOf(slot), this.table.decodedOf(slot)),
    }))
    const changes = this.#sealed === undefined ? open : overlay(open, sealedWithin(this.#sealed, range))
    return range.reverse === true ? changes.toReversed() : changes
  }
}

/** Keys of these rows, in one place of their own. */
function copiesOf({ bytes, starts, ends }: KeyColumn, rows: readonly number[]): Uint8Array[] {
  // None of them begins with it: native code can tell that they are views of a buffer, which it need not make first.
  let at = 1
  for (const row of rows) at += (ends[row] as number) - (starts[row] as number)
  const place = new ArrayBuffer(at)
  const copies = new Uint8Array(place)
  at = 1
  return rows.map((row) => {
    const from = at
    for (let i = starts[row] as number; i < (ends[row] as number); i++) copies[at++] = bytes[i] as number
    return new Uint8Array(place, from, at - from)
  })
}

/** Their keys, where the table has them. */
function keysOf(slots: readonly number[], table: SlotTable): PackedColumn {
  const { length } = slots
  const starts = new Int32Array(length)
  const ends = new Int32Array(length)
  for (let i = 0; i < length; i++) {
    starts[i] = table.startOf(slots[i] as number)
    ends[i] = table.endOf(slots[i] as number)
  }
  return { form: 'packed', length, bytes: table.keyBytes, starts, ends }
}

function changeAt({ keys, values }: SealedChanges, i: number): StoreChange {
  return { key: bytesAt(keys, i) as Uint8Array, value: bytesAt(values, i) ?? undefined }
}

function changesOf(sealed: SealedChanges): StoreChange[] {
  return Array.from({ length: sealed.length }, (_, i) => changeAt(sealed, i))
}

function sealedWithin(sealed: Sealed, range: ByteRange): StoreChange[] {
  if (sealed.order === undefined) {
    sealed.order = new SortedIds<number>()
    for (let i = 0; i < sealed.length; i++) sealed.order.add(i, bytesAt(sealed.keys, i) as Uint8Array)
  }
  return sealed.order.within(range).map(({ id }) => changeAt(sealed, id))
}

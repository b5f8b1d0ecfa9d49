import { type AnyStoreDefinition, MillraceError, type StoreBackend, type StoreChange } from '@millrace/core'
import { ExpiredRows } from '../shapes/expired-rows.ts'
import { committedOf, handleOf, type Windowed } from '../shapes/handle-of.ts'
import { ObservedTime } from '../shapes/observed-time.ts'
import { formatOf, type RowFormat } from '../shapes/row-format.ts'
import { StoreCodec } from './store-codec.ts'
import type { HandleAccess } from './store-handle.ts'
import { type SealedChanges, StoreLayers } from './store-layers.ts'

/** Of rows that are too old, so many are removed at once, or twice as many as are written, if that is more. */
const REMOVED_AT_ONCE = 10_000

/** What a store of a task is opened with. */
export interface TaskStoreOptions {
  readonly definition: AnyStoreDefinition
  /** Folder for this store alone. */
  readonly folder: string
  /** Memory for committed entries above the backend, in bytes. */
  readonly cacheBytes: number
  /** Called by every operation of users; throws when the task's epoch is over. */
  readonly guard: () => void
  /** The timestamp that changes get, milliseconds since the epoch. */
  readonly timestamp: () => number
}

/** One store of one task: what its users see, and what commits and restores do with it. */
export class TaskStore {
  /** What processors get: see `handleOf`. */
  readonly handle: unknown
  /** Committed state, for reads from outside: a `ReadOnlyStore`, a `ReadOnlyWindowStore` or a `ReadOnlySessionStore`. */
  readonly committed: unknown
  readonly #definition: AnyStoreDefinition
  readonly #format: RowFormat
  readonly #layers: StoreLayers
  readonly #access: HandleAccess
  readonly #backend: StoreBackend
  readonly #windowed: Windowed | undefined
  readonly #expired: ExpiredRows | undefined

  constructor(backend: StoreBackend, { definition, cacheBytes, guard, timestamp }: Omit<TaskStoreOptions, 'folder'>) {
    const { name } = definition
    const format = formatOf(definition)
    const { windows } = format
    const codec = new StoreCodec(name, format.key, format.value)
    this.#definition = definition
    this.#format = format
    this.#backend = backend
    this.#layers = new StoreLayers(backend, { cacheBytes, codec })
    this.#windowed = windows && { windows, time: new ObservedTime(windows.retentionMs) }
    this.#expired = windows && new ExpiredRows(backend, windows)
    this.#access = { name, codec, layers: this.#layers, guard, timestamp }
    this.committed = committedOf(this.#access, backend, this.#windowed)
    this.handle = this.handleAt(timestamp)
  }

  /** How its rows are laid out: see `RowFormat`. */
  get layout(): string {
    return this.#format.layout
  }

  /** Whether its backend keeps what is written when it is closed. */
  get persistent(): boolean {
    return this.#backend.capabilities.persistent
  }

  /** Of a store of windows, its stream time: that of what is sealed or committed. */
  get streamTime(): number | undefined {
    return this.#windowed?.time.sealed
  }

  /** How many windows were too old to be set, since the last call. */
  takeDropped(): number {
    return this.#windowed?.time.takeDropped() ?? 0
  }

  /** What was written beside the rows on disk. */
  hasStreamTime(time: number | undefined): void {
    if (time !== undefined) this.#windowed?.time.restored(time)
  }

  /** A handle of the same store through which changes get `timestamp()`. */
  handleAt(timestamp: () => number): unknown {
    return handleOf(this.#definition, { ...this.#access, timestamp }, this.#windowed)
  }

  /** A pass, punctuator or `init` begins: changes from now on belong to it. */
  begin(): void {
    this.#layers.begin()
    this.#windowed?.time.begin()
  }

  /** It ended well: its changes wait for the next commit. */
  succeed(): void {
    this.#layers.succeed()
    this.#windowed?.time.succeed()
  }

  /** It failed: its changes are gone. */
  rollback(): void {
    this.#layers.rollback()
    this.#windowed?.time.rollback()
  }

  /** A part of the pass is done: `undo` leaves it alone. */
  keep(): void {
    this.#layers.keep()
    this.#windowed?.time.keep()
  }

  /** A part of the pass failed: the store is as it was when the last one was kept. */
  undo(): void {
    this.#layers.undo()
    this.#windowed?.time.undo()
  }

  /** What the pass under way has changed, in bytes of memory. */
  get attemptBytes(): number {
    return this.#layers.attemptBytes
  }

  /** What waits for a commit or is being committed, in bytes of memory. */
  get uncommittedBytes(): number {
    return this.#layers.uncommittedBytes
  }

  /** Takes what finished passes changed, as records for the changelog; undefined if nothing. */
  seal(): SealedChanges | undefined {
    const changes = this.#layers.seal()
    this.#windowed?.time.seal()
    return changes && this.#format.toRecords(changes)
  }

  /** The commit of what was sealed is confirmed: writes it with `metadata` in one piece. Without a changelog it has to survive a loss of power. */
  async persist(metadata: Uint8Array): Promise<void> {
    const written = await this.#layers.persist(metadata, this.#definition.changelog === false)
    this.#windowed?.time.persisted()
    if (written > 0) await this.#removeExpired(written)
  }

  /** The change that a changelog's record stands for; undefined if it is too old. Records are to be given in order. */
  changeOf(key: Uint8Array, value: Uint8Array | undefined, timestamp: number): StoreChange | undefined {
    const change = this.#format.toChange(key, value, timestamp)
    if (this.#windowed === undefined) return change
    const { windows, time } = this.#windowed
    const at = windows.timeOfRow(change.key)
    // Deletions, too: what they delete was there once, and no deletion is later than the time of its store.
    time.restored(at)
    return time.isExpired(at) ? undefined : change
  }

  /** Writes changes of the changelog straight to the backend: before the store is used, or none with other metadata afterwards. */
  async restore(changes: readonly StoreChange[], metadata: Uint8Array): Promise<void> {
    await this.#backend.write(changes, metadata)
    if (changes.length > 0) await this.#removeExpired(changes.length)
  }

  /** What was last written as metadata. */
  metadata(): Promise<Uint8Array | undefined> {
    return this.#backend.metadata()
  }

  /** Drops everything that is not in the backend. */
  discard(): void {
    this.#layers.discard()
  }

  async #removeExpired(written: number): Promise<void> {
    if (this.#windowed === undefined) return
    const { time } = this.#windowed
    await this.#expired?.remove(time.firstKept(time.committed), Math.max(REMOVED_AT_ONCE, 2 * written))
  }

  /** Closes the backend; what no commit has persisted is gone. */
  close(): Promise<void> {
    return this.#backend.close()
  }
}

/** Opens the backend of a store and puts the layers over it. */
export async function openTaskStore(options: TaskStoreOptions): Promise<TaskStore> {
  const { definition, folder } = options
  const backend = await definition.open({ name: definition.name, folder })
  const problem = problemOf(definition, backend)
  if (problem === undefined) return new TaskStore(backend, options)
  await backend.close()
  throw problem
}

/** Why a store can't be kept in a backend. */
function problemOf({ name, access: wanted, changelog }: AnyStoreDefinition, backend: StoreBackend): MillraceError | undefined {
  const { access, atomicWrites } = backend.capabilities
  if (access !== wanted || (access === 'sync' && backend.get === undefined)) {
    const message = `Store '${name}' is defined with access '${wanted}', but its backend ${access === wanted ? 'has no get' : `says '${access}'`}.`
    return new MillraceError('STORE_ACCESS', message, { stage: 'store' })
  }
  if (changelog !== false || atomicWrites !== false) return undefined
  return new MillraceError(
    'STORE_NOT_ATOMIC',
    `Store '${name}' has no changelog, and its backend's writes are not atomic: a crash between two of them would leave state of which nobody knows what is in it. ` +
      `Let it have a changelog (leave out changelog: false), or give the backend a write() that applies all changes and the metadata, or none.`,
    { stage: 'store' },
  )
}

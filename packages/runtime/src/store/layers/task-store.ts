import {
  type AnyStoreDefinition,
  type KeyValueStoreDefinition,
  MillraceError,
  type ReadOnlyStore,
  type StoreBackend,
  type StoreChange,
} from '@millrace/core'
import { CommittedView } from './committed-view.ts'
import { StoreCodec } from './store-codec.ts'
import { BatchStoreHandle, type HandleAccess, StoreHandle } from './store-handle.ts'
import { type SealedChanges, StoreLayers } from './store-layers.ts'

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
  /** What processors get: a `KeyValueStore`, or a `BatchKeyValueStore` over a backend that answers later. */
  readonly handle: unknown
  /** Committed state, for reads from outside. */
  readonly committed: ReadOnlyStore<unknown, unknown>
  readonly #layers: StoreLayers
  readonly #access: HandleAccess
  readonly #sync: boolean
  readonly #backend: StoreBackend

  constructor(backend: StoreBackend, { definition, cacheBytes, guard, timestamp }: Omit<TaskStoreOptions, 'folder'>) {
    const { name, key, value, access } = definition as KeyValueStoreDefinition<unknown, unknown>
    const codec = new StoreCodec(name, key, value)
    this.#backend = backend
    this.#layers = new StoreLayers(backend, cacheBytes)
    this.committed = new CommittedView(name, codec, backend)
    this.#access = { name, codec, layers: this.#layers, guard, timestamp }
    this.#sync = access === 'sync'
    this.handle = this.handleAt(timestamp)
  }

  /** A handle of the same store through which changes get `timestamp()`. */
  handleAt(timestamp: () => number): unknown {
    const access = { ...this.#access, timestamp }
    return this.#sync ? new StoreHandle(access) : new BatchStoreHandle(access)
  }

  /** A pass, punctuator or `init` begins: changes from now on belong to it. */
  begin(): void {
    this.#layers.begin()
  }

  /** It ended well: its changes wait for the next commit. */
  succeed(): void {
    this.#layers.succeed()
  }

  /** It failed: its changes are gone. */
  rollback(): void {
    this.#layers.rollback()
  }

  /** A part of the pass is done: `undo` leaves it alone. */
  keep(): void {
    this.#layers.keep()
  }

  /** A part of the pass failed: the store is as it was when the last one was kept. */
  undo(): void {
    this.#layers.undo()
  }

  /** What the pass under way has changed, in bytes of memory. */
  get attemptBytes(): number {
    return this.#layers.attemptBytes
  }

  /** What waits for a commit or is being committed, in bytes of memory. */
  get uncommittedBytes(): number {
    return this.#layers.uncommittedBytes
  }

  /** Takes what finished passes changed; undefined if nothing. */
  seal(): SealedChanges | undefined {
    return this.#layers.seal()
  }

  /** The commit of what was sealed is confirmed: writes it with `metadata` in one piece. */
  persist(metadata: Uint8Array): Promise<void> {
    return this.#layers.persist(metadata)
  }

  /** Writes changes of the changelog straight to the backend: before the store is used, or none with other metadata afterwards. */
  restore(changes: readonly StoreChange[], metadata: Uint8Array): Promise<void> {
    return this.#backend.write(changes, metadata)
  }

  /** What was last written as metadata. */
  metadata(): Promise<Uint8Array | undefined> {
    return this.#backend.metadata()
  }

  /** Drops everything that is not in the backend. */
  discard(): void {
    this.#layers.discard()
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
  const { access } = backend.capabilities
  if (access === definition.access && (access === 'async' || backend.get !== undefined)) return new TaskStore(backend, options)
  await backend.close()
  throw new MillraceError(
    'STORE_ACCESS',
    `Store '${definition.name}' is defined with access '${definition.access}', but its backend ${access === definition.access ? 'has no get' : `says '${access}'`}.`,
    { stage: 'store' },
  )
}

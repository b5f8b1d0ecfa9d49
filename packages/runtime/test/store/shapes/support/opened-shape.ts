import { type AnyStoreDefinition, bytesAt, type StoreChange } from '@millrace/core'
import { MemoryStoreBackend } from '@millrace/store-memory'
import { TaskStore } from '../../../../src/store/layers/task-store.ts'

/** A record of a changelog. */
export interface ChangelogRecord {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
  readonly timestamp: number
}

/** A store of any shape in memory, with what its commits wrote into its changelog. */
export class OpenedShape<Handle, Committed> {
  readonly definition: AnyStoreDefinition
  readonly store: TaskStore
  readonly handle: Handle
  readonly changelog: ChangelogRecord[] = []
  /** Of the record that is processed. */
  timestamp = 0
  readonly #backend = new MemoryStoreBackend()

  constructor(definition: AnyStoreDefinition) {
    this.definition = definition
    this.store = new TaskStore(this.#backend, {
      definition,
      cacheBytes: 2_000,
      guard: () => undefined,
      timestamp: () => this.timestamp,
    })
    this.handle = this.store.handle as Handle
  }

  get committed(): Committed {
    return this.store.committed as Committed
  }

  async pass<T>(work: () => T | Promise<T>): Promise<T> {
    this.store.begin()
    try {
      const result = await work()
      this.store.succeed()
      return result
    } catch (error) {
      this.store.rollback()
      throw error
    }
  }

  async commit(): Promise<void> {
    const sealed = this.store.seal()
    for (let i = 0; i < (sealed?.length ?? 0); i++) {
      const { keys, values, timestamps } = sealed as NonNullable<typeof sealed>
      const key = new Uint8Array(bytesAt(keys, i) as Uint8Array)
      const value = bytesAt(values, i)
      this.changelog.push({ key, value: value === null ? undefined : new Uint8Array(value), timestamp: timestamps[i] as number })
    }
    await this.store.persist(Uint8Array.of(1))
  }

  /** Leaves of each key the last record in the changelog. */
  compact(): void {
    const last = new Map(this.changelog.map((record) => [Buffer.from(record.key).toString('hex'), record]))
    this.changelog.splice(0, Infinity, ...this.changelog.filter((record) => last.get(Buffer.from(record.key).toString('hex')) === record))
  }

  /** Another store, restored from the changelog of this one. */
  async restored(): Promise<OpenedShape<Handle, Committed>> {
    const other = new OpenedShape<Handle, Committed>(this.definition)
    const changes: StoreChange[] = []
    for (const { key, value, timestamp } of this.changelog) {
      const change = other.store.changeOf(key, value, timestamp)
      if (change !== undefined) changes.push(change)
    }
    await other.store.restore(changes, Uint8Array.of(1))
    return other
  }

  /** How many rows there are on disk, be they too old or not. */
  async rowsOnDisk(): Promise<number> {
    let rows = 0
    for await (const page of this.#backend.scan({}, 1_000)) rows += page.length
    return rows
  }
}

export async function all<T>(entries: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const entry of entries) found.push(entry)
  return found
}

export async function allPages<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  return (await all(pages)).flat()
}

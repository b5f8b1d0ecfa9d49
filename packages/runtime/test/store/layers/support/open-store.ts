import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type BatchKeyValueStore,
  defineKeyValueStore,
  type KeyValueStore,
  type ReadOnlyStore,
  type Serde,
  type StoreBackend,
} from '@millrace/core'
import { openLevelDb } from '@millrace/store-leveldb'
import { MemoryStoreBackend } from '@millrace/store-memory'
import { openTaskStore, type TaskStore } from '../../../../src/store/layers/task-store.ts'
import { slowBackend } from './slow-backend.ts'

export type BackendKind = 'memory' | 'leveldb' | 'slow'

export interface OpenStoreOptions<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
  /** Default: memory. */
  readonly backend?: BackendKind | StoreBackend
  /** Default: 1 MiB. */
  readonly cacheBytes?: number
}

/** A task's store with what a test turns: its guard, its time. */
export interface OpenedStore<K, V> extends AsyncDisposable {
  readonly store: TaskStore
  readonly handle: KeyValueStore<K, V>
  readonly batchHandle: BatchKeyValueStore<K, V>
  readonly committed: ReadOnlyStore<K, V>
  /** What the guard throws; undefined while the task lives. */
  closedBy: Error | undefined
  timestamp: number
}

/** Opens a store named `counts`. Its folder goes when it is disposed. */
export async function openStore<K, V>(options: OpenStoreOptions<K, V>): Promise<OpenedStore<K, V>> {
  const { key, value, backend = 'memory', cacheBytes = 1_048_576 } = options
  const folder = backend === 'leveldb' ? await mkdtemp(join(tmpdir(), 'millrace-layers-')) : ''
  const opening = typeof backend === 'string' ? await openBackend(backend, folder) : backend
  const common = { name: 'counts', key, value, open: async () => opening }
  const definition =
    opening.capabilities.access === 'async'
      ? defineKeyValueStore({ ...common, access: 'async' })
      : defineKeyValueStore({ ...common, access: 'sync' })
  const opened = { closedBy: undefined as Error | undefined, timestamp: 0 }
  const guard = () => {
    if (opened.closedBy !== undefined) throw opened.closedBy
  }
  const store = await openTaskStore({ definition, folder, cacheBytes, guard, timestamp: () => opened.timestamp })
  return Object.assign(opened, {
    store,
    handle: store.handle as KeyValueStore<K, V>,
    batchHandle: store.handle as BatchKeyValueStore<K, V>,
    committed: store.committed as ReadOnlyStore<K, V>,
    async [Symbol.asyncDispose]() {
      await store.close()
      if (folder !== '') await rm(folder, { recursive: true })
    },
  })
}

async function openBackend(kind: BackendKind, folder: string): Promise<StoreBackend> {
  if (kind === 'leveldb') return openLevelDb({ name: 'counts', folder })
  return kind === 'slow' ? slowBackend(new MemoryStoreBackend(), 1) : new MemoryStoreBackend()
}

import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { defineKeyValueStore, type KeyValueStore, serdes, type StoreBackend } from '@millrace/core'
import { openTaskStore } from '@millrace/runtime'

const NO_METADATA = new Uint8Array(0)

/** A store as a task has it: what processors see over the layers over a backend. */
export interface OpenedStore {
  readonly handle: KeyValueStore<string, number>
  /** One pass that writes, and its commit: what it changed is sealed and written to the backend in one piece. The changelog is left out. */
  committed(pass: (handle: KeyValueStore<string, number>) => void): Promise<void>
  /** One pass that writes, whose changes are dropped. */
  dropped(pass: (handle: KeyValueStore<string, number>) => void): void
  close(): Promise<void>
}

/** `cacheBytes` of 0: whatever is not changed since the last commit is read from the backend each time. */
export async function openStore(backend: StoreBackend, cacheBytes: number): Promise<OpenedStore> {
  const definition = defineKeyValueStore({
    name: 'counts',
    key: serdes.string,
    value: serdes.safeInt64,
    access: 'sync',
    open: async () => backend,
  })
  const store = await openTaskStore({ definition, folder: '', cacheBytes, guard: () => undefined, timestamp: () => 1 })
  const handle = store.handle as KeyValueStore<string, number>
  return {
    handle,
    async committed(pass) {
      store.begin()
      pass(handle)
      store.succeed()
      store.seal()
      await store.persist(NO_METADATA)
    },
    dropped(pass) {
      store.begin()
      pass(handle)
      store.rollback()
    },
    close: () => store.close(),
  }
}

/** Runs `open` on a new folder below `parent`; its `close` removes the folder too. */
export async function inFolder<T extends { close(): Promise<void> }>(parent: string, open: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(parent, 'store-'))
  const opened = await open(folder)
  const close = opened.close.bind(opened)
  opened.close = async () => {
    await close()
    await rm(folder, { recursive: true, force: true })
  }
  return opened
}

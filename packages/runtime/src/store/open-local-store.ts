import { type AnyStoreDefinition, MillraceError } from '@millrace/core'
import { metadataOf } from './store-metadata.ts'
import { decodePositions, type ReachedPositions } from './store-positions.ts'
import { openTaskStore } from './layers/task-store.ts'

/** A store of a task as it lies on disk. */
export interface OpenedLocalStore extends AsyncDisposable {
  /** What a processor would be given, by the store's shape. To be read only: what is set is never written. */
  readonly handle: unknown
  /** How far its entries are: `compareReached` tells which of two folders of one task is the newer. */
  readonly reached: ReachedPositions
}

/**
 * Opens what an application that is stopped has left in a folder, to be read. Opening writes to the folder: give a copy. Rejects with `STORE_CORRUPT` for what
 * is no such store, or one of another shape or window size than the definition says.
 */
export async function openLocalStore(definition: AnyStoreDefinition, folder: string): Promise<OpenedLocalStore> {
  const store = await openTaskStore({ definition, folder, cacheBytes: 0, guard: () => undefined, timestamp: () => Date.now() })
  const positions = decodePositions(await metadataOf(store))
  if (positions !== undefined && (positions.layout ?? '') === store.layout) {
    store.hasStreamTime(positions.streamTime)
    return { handle: store.handle, reached: positions, [Symbol.asyncDispose]: () => store.close() }
  }
  await store.close()
  const message =
    positions === undefined
      ? `What is in '${folder}' was never committed as store '${definition.name}'.`
      : `Store '${definition.name}' is kept as '${positions.layout ?? 'key-value'}', and defined as '${store.layout || 'key-value'}'.`
  throw new MillraceError('STORE_CORRUPT', message, { stage: 'store' })
}

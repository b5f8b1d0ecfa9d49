import type { StoreBackend } from '@millrace/core'

/** What a write is given beside the changes. */
export interface WriteGiven {
  readonly metadata: Uint8Array | undefined
  readonly synced: boolean | undefined
}

/** The same backend, whose writes, of changes and of columns, are done by `around`. */
export function aroundWrites(
  backend: StoreBackend,
  around: (write: () => Promise<void>, given: WriteGiven) => Promise<void>,
): StoreBackend {
  const write = backend.write.bind(backend)
  const writeColumns = backend.writeColumns?.bind(backend)
  backend.write = (changes, metadata, synced) => around(() => write(changes, metadata, synced), { metadata, synced })
  if (writeColumns !== undefined) {
    backend.writeColumns = (keys, values, metadata, synced) =>
      around(() => writeColumns(keys, values, metadata, synced), { metadata, synced })
  }
  return backend
}

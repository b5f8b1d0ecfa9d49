import type { StoreBackend } from '@millrace/core'

/**
 * A backend at the other end of a slow line. Reads answer with what was there when they were asked, changes arrive late: whoever mixes up the two
 * is found out.
 */
export function slowBackend(backend: StoreBackend, latencyMs: number): StoreBackend {
  const trip = () =>
    new Promise<void>((resolve) => {
      setTimeout(resolve, latencyMs)
    })
  return {
    capabilities: { access: 'async', persistent: backend.capabilities.persistent },
    async getMany(keys) {
      const values = await backend.getMany(keys)
      await trip()
      return values
    },
    async write(changes, metadata) {
      await trip()
      await backend.write(changes, metadata)
    },
    async metadata() {
      await trip()
      return backend.metadata()
    },
    scan(range, pageSize) {
      const pages = backend.scan(range, pageSize)
      return (async function* () {
        for await (const page of pages) {
          await trip()
          yield page
        }
      })()
    },
    approximateSize: () => backend.approximateSize(),
    close: () => backend.close(),
    [Symbol.asyncDispose]: () => backend.close(),
  }
}

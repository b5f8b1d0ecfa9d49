import { setTimeout as pause } from 'node:timers/promises'
import { defineKeyValueStore, type KeyValueStoreDefinition } from '@millrace/core'
import { deferred } from './deferred.ts'

/** Longer than the engine waits between two words on how far a restore is. */
const SLOW_MS = 1_100

/** The same store on a disk that takes its time with the first write, and then stands still until it is released. */
export function heldStore<K, V>({ open, ...store }: KeyValueStoreDefinition<K, V>) {
  const released = deferred()
  let writes = 0
  const { name, key, value, access, changelog } = store
  const held = defineKeyValueStore({
    ...{ name, key, value, access, changelog },
    open: async (where) => {
      const backend = await open(where)
      const write = backend.write.bind(backend)
      backend.write = async (changes, metadata, synced) => {
        await (writes++ === 0 ? pause(SLOW_MS) : released.promise)
        return write(changes, metadata, synced)
      }
      return backend
    },
  })
  return { store: held, release: released.resolve }
}

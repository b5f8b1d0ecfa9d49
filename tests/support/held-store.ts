import { setTimeout as pause } from 'node:timers/promises'
import { defineKeyValueStore, type KeyValueStoreDefinition } from '@millrace/core'
import { deferred } from './deferred.ts'
import { aroundWrites } from './around-writes.ts'

/** Longer than the engine waits between two words on how far a restore is. */
const SLOW_MS = 1_100

/** The same store on a disk that takes its time with the first write, and then stands still until it is released. */
export function heldStore<K, V>({ open, ...store }: KeyValueStoreDefinition<K, V>) {
  const released = deferred()
  let writes = 0
  const { name, key, value, access, changelog } = store
  const held = defineKeyValueStore({
    ...{ name, key, value, access, changelog },
    open: async (where) =>
      aroundWrites(await open(where), async (write) => {
        await (writes++ === 0 ? pause(SLOW_MS) : released.promise)
        await write()
      }),
  })
  return { store: held, release: released.resolve }
}

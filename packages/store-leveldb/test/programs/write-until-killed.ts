import { once } from 'node:events'
import type { StoreBackend } from '@millrace/core'
import { openLevelDb } from '../../src/index.ts'

const KEYS = 200

/**
 * Gives all keys and the metadata the same number, write by write, and says on standard output which it has been promised is kept, until it is
 * killed, or until it can't be opened or a write fails: then it says why.
 */
export async function main([folder = '']: readonly string[]): Promise<void> {
  try {
    await write(await openLevelDb({ name: 'store', folder }))
  } catch (error) {
    const { code, stage, message } = error as Error & { code: string; stage: string }
    process.stdout.write(JSON.stringify({ code, stage, message }))
  }
}

async function write(store: StoreBackend): Promise<void> {
  const stored = await store.metadata()
  for (let round = stored === undefined ? 1 : read(stored) + 1; ; round++) {
    const value = new Uint8Array(64)
    new DataView(value.buffer).setUint32(0, round)
    const changes = Array.from({ length: KEYS }, (_, key) => ({ key: Uint8Array.of(key), value }))
    try {
      await store.write(changes, value)
    } catch (error) {
      await store.close()
      throw error
    }
    if (!process.stdout.write(`${round}\n`)) await once(process.stdout, 'drain')
  }
}

function read(value: Uint8Array): number {
  return new DataView(value.buffer, value.byteOffset).getUint32(0)
}

import { once } from 'node:events'
import { openLevelDb } from '../../src/index.ts'

const KEYS = 200

/**
 * Gives all keys and the metadata the same number, write by write, and says on standard output which it has been promised is kept, until it is
 * killed, or until a write fails: then it says why.
 */
export async function main([folder = '']: readonly string[]): Promise<void> {
  const store = await openLevelDb({ name: 'store', folder })
  const stored = await store.metadata()
  for (let round = stored === undefined ? 1 : read(stored) + 1; ; round++) {
    const value = new Uint8Array(64)
    new DataView(value.buffer).setUint32(0, round)
    const changes = Array.from({ length: KEYS }, (_, key) => ({ key: Uint8Array.of(key), value }))
    try {
      await store.write(changes, value)
    } catch (error) {
      const { code, stage, message } = error as Error & { code: string; stage: string }
      process.stdout.write(JSON.stringify({ code, stage, message }))
      await store.close()
      return
    }
    if (!process.stdout.write(`${round}\n`)) await once(process.stdout, 'drain')
  }
}

function read(value: Uint8Array): number {
  return new DataView(value.buffer, value.byteOffset).getUint32(0)
}

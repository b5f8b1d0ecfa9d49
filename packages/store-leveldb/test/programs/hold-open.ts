import { once } from 'node:events'
import { openLevelDb } from '../../src/index.ts'

/** Opens the store, says so, and holds it until it is killed. */
export async function main([folder = '']: readonly string[]): Promise<void> {
  await openLevelDb({ name: 'store', folder })
  process.stdout.write('open\n')
  setInterval(() => undefined, 60_000)
  await once(process, 'never')
}

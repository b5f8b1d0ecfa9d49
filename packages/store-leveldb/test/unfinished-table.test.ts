import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openLevelDb } from '../src/index.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

test('tables that a process had begun to write when it was killed are no damage, also where their names are used again', async () => {
  using folder = temporaryFolder()
  const where = { name: 'store', folder: folder.path }
  const key = (i: number) => Uint8Array.of(1, i >> 8, i & 255)
  {
    await using store = await openLevelDb(where)
    for (let i = 0; i < 500; i++) await store.write([{ key: key(i), value: new Uint8Array(100).fill(i) }])
  }
  const last = Math.max(...readdirSync(folder.path).map((name) => Number(/\d+/.exec(name)?.[0] ?? 0)))
  for (let number = last + 1; number < last + 10; number++)
    writeFileSync(join(folder.path, `${String(number).padStart(6, '0')}.ldb`), 'half')
  await using store = await openLevelDb(where)
  const values = await store.getMany(Array.from({ length: 500 }, (_, i) => key(i)))
  expect(values.map((value) => value?.[99])).toEqual(Array.from({ length: 500 }, (_, i) => i & 255))
})

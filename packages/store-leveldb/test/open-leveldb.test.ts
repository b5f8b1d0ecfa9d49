import { once } from 'node:events'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MillraceError, ownKey } from '@millrace/core'
import { ClassicLevel } from 'classic-level'
import { describe, expect, test } from 'vitest'
import { openLevelDb } from '../src/index.ts'
import { LevelDbStoreBackend } from '../src/leveldb-store-backend.ts'
import { startProgram } from './support/program.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const key = Uint8Array.of(1)
const open = (folder: string) => openLevelDb({ name: 'store', folder })

/** A store with one entry, in a table file. */
async function writeStore(folder: string): Promise<void> {
  await using store = await open(folder)
  await store.write([{ key, value: Uint8Array.of(2) }], Uint8Array.of(3))
  await store.close()
  // LevelDB moves its log into a table when it opens.
  await using _again = await open(folder)
}

/** The error that opening ends with. */
async function refusal(folder: string): Promise<MillraceError> {
  try {
    await using _store = await open(folder)
  } catch (error) {
    if (error instanceof MillraceError) return error
    throw error
  }
  throw new Error('It was opened.')
}

describe('opening', () => {
  test('makes the folders it needs', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'a', 'b')
    await writeStore(path)
    await using store = await open(path)
    expect(store.capabilities).toEqual({ access: 'sync', persistent: true })
    expect([...(store.get?.(key) ?? [])]).toEqual([2])
  })

  test('a store that is open elsewhere says STORE_LOCKED and names the folder', async () => {
    using folder = temporaryFolder()
    await using _store = await open(folder.path)
    expect(await refusal(folder.path)).toMatchObject({
      code: 'STORE_LOCKED',
      stage: 'store',
      message: expect.stringContaining(folder.path) as string,
    })
  })

  test('a store that another process holds says STORE_LOCKED, until that process is gone', { timeout: 30_000 }, async () => {
    using folder = temporaryFolder()
    const holder = startProgram('hold-open.ts', folder.path)
    const exited = once(holder, 'exit')
    await once(holder.stdout, 'data')
    expect(await refusal(folder.path)).toMatchObject({ code: 'STORE_LOCKED' })
    holder.kill('SIGKILL')
    await exited
    await using store = await open(folder.path)
    expect(await store.metadata()).toBeUndefined()
  })

  test('a folder whose path is a file says STORE_OPEN_FAILED', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'file')
    await writeFile(path, '')
    expect(await refusal(path)).toMatchObject({ code: 'STORE_OPEN_FAILED', message: expect.stringContaining(path) as string })
  })
})

describe('opening damaged contents says STORE_CORRUPT, names the folder and leaves everything in its place:', () => {
  const damages: Record<string, (folder: string) => Promise<void>> = {
    'an unreadable CURRENT': (folder) => writeFile(join(folder, 'CURRENT'), 'no manifest at all'),
    'a CURRENT that names no file': (folder) => writeFile(join(folder, 'CURRENT'), 'MANIFEST-999999\n'),
    'no CURRENT': (folder) => rm(join(folder, 'CURRENT')),
    'an unreadable manifest': async (folder) => {
      for (const name of await readdir(folder)) if (name.startsWith('MANIFEST')) await writeFile(join(folder, name), 'no manifest at all')
    },
    'no manifest': async (folder) => {
      for (const name of await readdir(folder)) if (name.startsWith('MANIFEST')) await rm(join(folder, name))
    },
    'unreadable tables': async (folder) => {
      for (const name of await readdir(folder)) if (name.endsWith('.ldb')) await writeFile(join(folder, name), new Uint8Array(4_096))
    },
    'no tables': async (folder) => {
      for (const name of await readdir(folder)) if (name.endsWith('.ldb')) await rm(join(folder, name))
    },
  }
  test.each(Object.keys(damages))('%s', async (damage) => {
    using folder = temporaryFolder()
    await writeStore(folder.path)
    await damages[damage]?.(folder.path)
    const tables = async () => (await readdir(folder.path)).filter((name) => name.endsWith('.ldb'))
    const before = await tables()
    expect(await refusal(folder.path)).toMatchObject({ code: 'STORE_CORRUPT', message: expect.stringContaining(folder.path) as string })
    expect(await tables()).toEqual(before)
  })
})

describe('damage that is found while a store is in use', () => {
  test('is remembered: the store is not opened again', async () => {
    using folder = temporaryFolder()
    await writeStore(folder.path)
    const [table] = (await readdir(folder.path)).filter((name) => name.endsWith('.ldb'))
    const path = join(folder.path, table as string)
    const sound = await readFile(path)
    await writeFile(path, sound.subarray(0, 10))
    // As if what is checked at the opening had been sound then.
    const database = new ClassicLevel<Uint8Array, Uint8Array>(folder.path, { keyEncoding: 'view', valueEncoding: 'view' })
    await database.open()
    const store = new LevelDbStoreBackend({ database, folder: folder.path, lastWrite: 1 })
    await expect(store.getMany([key])).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    await store.close()
    await writeFile(path, sound)
    expect(await refusal(folder.path)).toMatchObject({ code: 'STORE_CORRUPT', message: expect.stringContaining('in use') as string })
  })
})

describe('a table that a killed process had not finished', () => {
  test('does not matter, since LevelDB knows nothing of it', async () => {
    using folder = temporaryFolder()
    await writeStore(folder.path)
    await writeFile(join(folder.path, '000900.ldb'), 'the first half of a tab')
    await using store = await open(folder.path)
    expect(await store.getMany([key])).toEqual([Buffer.from([2])])
  })
})

describe('opening foreign contents says STORE_CORRUPT:', () => {
  test('files that are no database', async () => {
    using folder = temporaryFolder()
    await writeFile(join(folder.path, 'holiday.jpg'), '')
    const error = await refusal(folder.path)
    expect(error).toMatchObject({ code: 'STORE_CORRUPT' })
    expect(error.message).toContain('holiday.jpg')
    expect(await readdir(folder.path)).toEqual(['holiday.jpg'])
  })

  test('the database of another program, which can still use it', async () => {
    using folder = temporaryFolder()
    const other = new ClassicLevel(folder.path)
    await other.put('theirs', '1')
    await other.close()
    expect(await refusal(folder.path)).toMatchObject({ code: 'STORE_CORRUPT' })
    await other.open()
    expect(await other.get('theirs')).toBe('1')
    await other.close()
  })

  test('a store in a format of a later version', async () => {
    using folder = temporaryFolder()
    const later = new ClassicLevel<Uint8Array, Uint8Array>(folder.path, { keyEncoding: 'view', valueEncoding: 'view' })
    await later.put(ownKey('format'), Uint8Array.of(2))
    await later.close()
    const error = await refusal(folder.path)
    expect(error).toMatchObject({ code: 'STORE_CORRUPT' })
    expect(error.message).toContain('its format is 2; this version knows format 1')
  })
})

describe('opening what a killed process had begun to make', () => {
  test('makes it anew', async () => {
    using folder = temporaryFolder()
    for (const name of ['LOCK', 'LOG', 'MANIFEST-000001', '000001.dbtmp']) await writeFile(join(folder.path, name), '')
    await using store = await open(folder.path)
    expect(await store.approximateSize()).toBe(0)
  })

  test('takes a database without entries for a new one', async () => {
    using folder = temporaryFolder()
    const begun = new ClassicLevel(folder.path)
    await begun.open()
    await begun.close()
    await using store = await open(folder.path)
    expect(await store.approximateSize()).toBe(0)
  })
})

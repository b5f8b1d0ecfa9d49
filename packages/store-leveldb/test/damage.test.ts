import { cp, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MillraceError } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { type LevelDbOptions, openLevelDb } from '../src/index.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const KEYS = 40
const WRITES = 150
const open = (folder: string, options: LevelDbOptions = {}) =>
  openLevelDb({ name: 'store', folder }, { writeBufferSize: 65_536, ...options })

/** Of every write, what the store held after it. */
type States = readonly (readonly number[])[]

const keyOf = (key: number) => Uint8Array.of(key)
const random = (seed: number) => {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
}

/** A store with tables, and with writes that are only in its log. Each value begins with the number of its write. */
async function writeStore(folder: string): Promise<States> {
  const next = random(7)
  const state = Array.from({ length: KEYS }, () => 0)
  const states: number[][] = [[...state]]
  await using store = await open(folder)
  for (let write = 1; write <= WRITES; write++) {
    const keys = Array.from({ length: 10 }, () => next(KEYS))
    for (const key of keys) state[key] = write
    // Few repetitions, so that tables are large although they are compressed.
    const value = Uint8Array.from({ length: 200 }, () => next(256))
    new DataView(value.buffer).setUint32(0, write)
    await store.write(
      keys.map((key) => ({ key: keyOf(key), value })),
      value,
    )
    states.push([...state])
  }
  return states
}

const writeIn = (value: Uint8Array | undefined) => (value === undefined ? 0 : new DataView(value.buffer, value.byteOffset).getUint32(0))

/** What opening and reading the store comes to: an error's code, the number of the write after which it was so, or `wrong`. */
async function outcomeOf(folder: string, states: States): Promise<string> {
  try {
    await using store = await open(folder)
    const write = writeIn(await store.metadata())
    const values = (await store.getMany(Array.from({ length: KEYS }, (_, key) => keyOf(key)))).map(writeIn)
    return values.every((value, key) => value === states[write]?.[key])
      ? 'as it once was'
      : `wrong after write ${write}: ${values.join(' ')}`
  } catch (error) {
    if (error instanceof MillraceError) return error.code
    throw error
  }
}

async function damagedCopies(original: string, states: States, damage: (file: string, at: number) => Promise<void>) {
  const outcomes: Record<string, string[]> = {}
  const next = random(11)
  const names = (await readdir(original)).filter((name) => /^(CURRENT|MANIFEST-.*|.*\.(log|ldb))$/.test(name))
  for (const name of names) {
    const { size } = await stat(join(original, name))
    const places = Array.from({ length: name === 'CURRENT' ? 5 : 12 }, () => next(Math.max(1, size)))
    for (const at of size === 0 ? [] : places) {
      using copy = temporaryFolder()
      await cp(original, copy.path, { recursive: true })
      await damage(join(copy.path, name), at)
      const outcome = await outcomeOf(copy.path, states)
      ;(outcomes[outcome] ??= []).push(`${name}:${at}`)
    }
  }
  return { names, outcomes }
}

describe('a store of which something was damaged on disk says STORE_CORRUPT, or is as it was after some write', () => {
  test('when one byte is another', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder()
    const states = await writeStore(folder.path)
    const { names, outcomes } = await damagedCopies(folder.path, states, async (file, at) => {
      const bytes = await readFile(file)
      bytes[at] = (bytes[at] as number) ^ 0x10
      await writeFile(file, bytes)
    })
    expect(names.filter((name) => name.endsWith('.ldb')).length).toBeGreaterThan(1)
    expect(outcomes).toEqual({ STORE_CORRUPT: expect.any(Array) as string[], 'as it once was': expect.any(Array) as string[] })
  })

  test('when a file was cut', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder()
    const states = await writeStore(folder.path)
    const { outcomes } = await damagedCopies(folder.path, states, (file, at) => truncate(file, at))
    expect(outcomes).toEqual({ STORE_CORRUPT: expect.any(Array) as string[], 'as it once was': expect.any(Array) as string[] })
  })
})

import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, expect, test } from 'vitest'
import { openLevelDb } from '../src/index.ts'
import { startProgram } from './support/program.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const numberIn = (value: Uint8Array | undefined) => (value === undefined ? 0 : new DataView(value.buffer, value.byteOffset).getUint32(0))

describe('a store on LevelDB', () => {
  test('keeps each write it has promised, as a whole, when its process is killed, time and again', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder()
    for (const killAfter of [1, 200, 50, 500]) {
      const promised = await runAndKill(folder.path, killAfter)
      await using store = await openLevelDb({ name: 'store', folder: folder.path })
      const kept = numberIn(await store.metadata())
      expect(kept).toBeGreaterThanOrEqual(promised)
      const values = await store.getMany(Array.from({ length: 200 }, (_, key) => Uint8Array.of(key)))
      expect(new Set(values.map(numberIn))).toEqual(new Set([kept]))
    }
  })

  test('says that it could not write, and keeps what it had', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder()
    const child = startProgram('write-until-killed.ts', folder.path, { fileLimitKiB: 512 })
    const exited = once(child, 'exit')
    let last = ''
    let promised = 0
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith('{')) last = line
      else promised = Number(line)
    }
    expect(await exited).toEqual([0, null])
    expect(JSON.parse(last)).toEqual({
      code: 'STORE_WRITE_FAILED',
      stage: 'store',
      message: expect.stringContaining(folder.path) as string,
    })
    await using store = await openLevelDb({ name: 'store', folder: folder.path })
    const kept = numberIn(await store.metadata())
    expect(promised).toBeGreaterThan(0)
    // Of the write that failed nobody knows.
    expect([promised, promised + 1]).toContain(kept)
    const values = await store.getMany(Array.from({ length: 200 }, (_, key) => Uint8Array.of(key)))
    expect(new Set(values.map(numberIn))).toEqual(new Set([kept]))
  })

  test('says that it could not be opened, and what to do, where there is no room for it', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder()
    const child = startProgram('write-until-killed.ts', folder.path, { fileLimitKiB: 0 })
    let said = ''
    for await (const line of createInterface({ input: child.stdout })) said += line
    expect(JSON.parse(said)).toEqual({
      code: 'STORE_OPEN_FAILED',
      stage: 'store',
      message: expect.stringMatching(new RegExp(`'${folder.path}'.*File too large\\. Make room on the disk`)) as string,
    })
  })
})

/** Lets the program make that many promises, kills it, and returns the last one. */
async function runAndKill(folder: string, promises: number): Promise<number> {
  const child = startProgram('write-until-killed.ts', folder)
  const exited = once(child, 'exit')
  let last = 0
  let left = promises
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line)
    left--
    if (left === 0) child.kill('SIGKILL')
  }
  expect(await exited).toEqual([null, 'SIGKILL'])
  return last
}

import { existsSync } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeStateFolder, temporaryStateFolder } from '../../src/run/state-folder.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

describe('a folder for the state', () => {
  test('is made with all folders above it, and may be there already', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'a', 'b', 'c')
    await makeStateFolder(path)
    await makeStateFolder(path)
    expect((await stat(path)).isDirectory()).toBe(true)
  })

  test('of an embedded run is new, and goes away with what is in it', async () => {
    await using folder = await temporaryFolder()
    const parent = join(folder.path, 'parent')
    const first = await temporaryStateFolder(parent)
    const second = await temporaryStateFolder(parent)
    expect(first.path).not.toBe(second.path)
    await writeFile(join(first.path, 'state'), '')
    await first[Symbol.asyncDispose]()
    expect([existsSync(first.path), existsSync(second.path)]).toEqual([false, true])
  })

  test('that can not be made is named', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'file')
    await writeFile(file, '')
    const path = join(file, 'below')
    await expect(makeStateFolder(path)).rejects.toThrow(`No state can be kept in folder '${path}'`)
    await expect(temporaryStateFolder(file)).rejects.toThrow(`No state can be kept in folder '${file}'`)
  })
})

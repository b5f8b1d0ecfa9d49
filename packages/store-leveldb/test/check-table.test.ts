import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkTable } from '../src/check-table.ts'
import { openLevelDb } from '../src/index.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const MAGIC_BYTES = 8
const FOOTER_BYTES = 48

/** A table file as LevelDB writes it, of some blocks. */
async function someTable(options: { readonly compression: boolean }): Promise<Uint8Array> {
  using folder = temporaryFolder()
  const open = () => openLevelDb({ name: 'store', folder: folder.path }, options)
  const written = await open()
  await written.write(
    Array.from({ length: 300 }, (_, i) => ({ key: Buffer.from(`key ${i}`), value: Buffer.from(`value ${i} of a store ${Math.sqrt(i)}`) })),
  )
  await written.close()
  // LevelDB moves its log into a table when it opens.
  await using _again = await open()
  const [table] = (await readdir(folder.path)).filter((name) => name.endsWith('.ldb'))
  return await readFile(join(folder.path, table as string))
}

describe.each([{ compression: true }, { compression: false }])('a table of LevelDB, with %o,', (options) => {
  test('is sound', async () => {
    expect(checkTable(await someTable(options))).toBe('sound')
  })

  test('is damaged when any of its bytes is another', async () => {
    const bytes = await someTable(options)
    const magicAt = bytes.length - MAGIC_BYTES
    // Between the places of the indexes and the magic number the footer is padded with zeros, which mean nothing.
    const padding = (at: number) => at >= bytes.length - FOOTER_BYTES && at < magicAt && bytes[at] === 0
    const unnoticed: number[] = []
    for (let at = 0; at < magicAt; at++) {
      const was = bytes[at] as number
      if (padding(at)) continue
      bytes[at] = was ^ (1 << (at % 8))
      if (checkTable(bytes) !== 'damaged') unnoticed.push(at)
      bytes[at] = was
    }
    expect(bytes.length).toBeGreaterThan(4_000)
    expect(unnoticed).toEqual([])
  })

  test('is unfinished when it is cut anywhere', async () => {
    const bytes = await someTable(options)
    const unnoticed: number[] = []
    for (let length = 0; length < bytes.length; length++) if (checkTable(bytes.subarray(0, length)) !== 'unfinished') unnoticed.push(length)
    expect(unnoticed).toEqual([])
  })

  test('is damaged when one of its indexes is said to be elsewhere', async () => {
    const bytes = await someTable(options)
    bytes.fill(0xff, bytes.length - FOOTER_BYTES, bytes.length - MAGIC_BYTES)
    expect(checkTable(bytes)).toBe('damaged')
  })
})

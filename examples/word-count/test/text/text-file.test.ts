import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { TextFile } from '../../src/text/text-file.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

async function linesOf(path: string, signal = new AbortController().signal): Promise<string[]> {
  await using text = await TextFile.open(path)
  const found: string[] = []
  for await (const { bytes, starts, ends } of text.lines(signal)) {
    starts.forEach((start, i) => found.push(Buffer.from(bytes.subarray(start, ends[i])).toString()))
  }
  return found
}

describe('a text file', () => {
  test('is read to its end, also over many pieces', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'text')
    const lines = Array.from({ length: 100_000 }, (_, i) => `line ${i} ∎`)
    await writeFile(path, lines.join('\r\n'))
    expect(await linesOf(path)).toEqual(lines)
  })

  test('may hold one line of many pieces, or nothing', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'text')
    await writeFile(path, 'x'.repeat(1_000_000))
    expect((await linesOf(path)).map((line) => line.length)).toEqual([1_000_000])
    await writeFile(path, '')
    expect(await linesOf(path)).toEqual([])
  })

  test('knows its size', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'text')
    await writeFile(path, 'é\n')
    await using text = await TextFile.open(path)
    expect(text.bytes).toBe(3)
  })

  test('ends early when it is told to', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'text')
    await writeFile(path, 'a\n')
    expect(await linesOf(path, AbortSignal.abort())).toEqual([])
  })

  test('that is not there, or is a folder, is refused by name', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'nothing')
    await expect(TextFile.open(path)).rejects.toThrow(`File '${path}' can't be counted: there is no such file.`)
    await mkdir(path)
    await expect(TextFile.open(path)).rejects.toThrow(`File '${path}' can't be counted: it is a folder.`)
  })
})

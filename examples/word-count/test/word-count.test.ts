import { execFile } from 'node:child_process'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { BUNDLED_TEXT } from '../src/text/bundled-text.ts'
import { expectOneLine } from './support/expect-one-line.ts'
import { independentCount, sum } from './support/independent-count.ts'
import { answer, Program, run } from './support/program.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const TEXT = "Call me Ishmael. Ahab's 3rd whale\r\n\nὈδυσσεύς — ΟΔΥΣΣΕΥΣ; кит, КИТ!\rcall\nme, last"

async function fileWith(folder: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, 'text.txt')
  await writeFile(path, content)
  return path
}

describe('the program on the embedded log', { timeout: 60_000 }, () => {
  test('without arguments counts the bundled text and shows the twenty most frequent words', async () => {
    const { code, stdout, stderr } = await run([])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/│ {2}1 │ the {2}│ 14,151 │\n/)
    expect(stdout.match(/^│ +\d+ │/gm)).toHaveLength(20)
    expect(stdout).toMatch(/^lines +21,424\nwords +214,620\n/m)
    expect(stdout).toMatch(/^batches +\d+\nrecords per batch +[\d.,]+\nrecords per second +[\d,]+$/m)
  })

  test.each([[[]], [['--batch-size', '1']], [['--batch-size', '10000']], [['--single', '--partitions', '1']]])(
    'agrees with an independent count of the bundled text, with %j',
    async (args) => {
      const { lines, words, counts } = await answer(args)
      const expected = independentCount(await readFile(BUNDLED_TEXT, 'utf8'))
      expect(counts).toEqual(expected)
      expect({ lines, words }).toEqual({ lines: 21_424, words: sum(expected) })
    },
  )

  test.each([[[]], [['--single']], [['--batch-size', '1']]])('counts any file, a record a line, with %j', async (args) => {
    await using folder = await temporaryFolder()
    const { lines, words, counts, batches, seconds } = await answer(['--file', await fileWith(folder.path, TEXT), ...args])
    const expected = independentCount(TEXT)
    expect(expected).toMatchObject({ call: 2, me: 2, кит: 2, ahab: 1, s: 1, '3rd': 1, οδυσσευς: 1, ὀδυσσεύς: 1 })
    expect({ lines, words, counts }).toEqual({ lines: 4, words: sum(expected), counts: expected })
    expect(batches).toBeGreaterThan(0)
    expect(seconds).toBeGreaterThan(0)
  })

  test('agrees with what Unix tools count', async () => {
    await using folder = await temporaryFolder()
    const text = (await readFile(BUNDLED_TEXT, 'latin1')).replaceAll(/[^\n -~]/g, ' ')
    const path = await fileWith(folder.path, text)
    const script = "tr -cs 'A-Za-z0-9' '\\n' < \"$1\" | tr 'A-Z' 'a-z' | grep . | sort | uniq -c"
    const { stdout } = await promisify(execFile)('sh', ['-c', script, 'sh', path], { env: { ...process.env, LC_ALL: 'C' } })
    const rows = stdout
      .trim()
      .split('\n')
      .map((row) => row.trim().split(' '))
    const { counts } = await answer(['--file', path])
    expect(counts).toEqual(Object.fromEntries(rows.map(([count, word]) => [word, Number(count)])))
  })

  test('takes an empty file, a file that is no text, and a line of a million words', async () => {
    await using folder = await temporaryFolder()
    expect(await answer(['--file', await fileWith(folder.path, '')])).toMatchObject({ lines: 0, words: 0, batches: 0, counts: {} })
    const bytes = Buffer.from('one\xfftwo\xc3\nthree\x00\xe2\x82', 'latin1')
    expect(await answer(['--file', await fileWith(folder.path, bytes)])).toMatchObject({ lines: 2, counts: { one: 1, two: 1, three: 1 } })
    const long = await answer(['--file', await fileWith(folder.path, 'a b '.repeat(500_000))])
    expect(long).toMatchObject({ lines: 1, words: 1_000_000, counts: { a: 500_000, b: 500_000 } })
  })

  test('leaves no state behind, wherever it was kept', async () => {
    await using folder = await temporaryFolder()
    const file = await fileWith(folder.path, TEXT)
    const stateDir = join(folder.path, 'deep', 'state')
    await answer(['--file', file, '--state-dir', stateDir])
    expect(await readdir(stateDir)).toEqual([])
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('drains and ends well at %s', async (signal) => {
    await using folder = await temporaryFolder()
    const file = await fileWith(folder.path, 'some words to count\n'.repeat(1_000_000))
    using program = new Program(['--file', file, '--json', '--batch-size', '1', '--verbose'])
    await program.says('application running')
    program.kill(signal)
    const { code, stdout, stderr } = await program.ended
    expect(code).toBe(0)
    expect(stderr).toContain('word-count: stopped')
    const { lines, words, counts } = JSON.parse(stdout) as { lines: number; words: number; counts: Record<string, number> }
    expect(lines).toBeLessThan(1_000_000)
    expect(words).toBe(sum(counts))
  })

  test.each([
    [['--nonsense'], /unknown option '--nonsense'. See --help.\n/],
    [['--batch-size', '0'], /whole number from 1/],
    [['--processing-guarantee', 'at-most-once'], /Use 'at-least-once' or 'exactly-once'/],
  ])('says in one line what is wrong with %j, and ends with code 2', async (args, pattern) => {
    const ended = await run(args)
    expect(ended.code).toBe(2)
    expectOneLine(ended, pattern)
  })

  test('says in one line that a file is missing or a folder, and ends with code 1', async () => {
    await using folder = await temporaryFolder()
    const missing = await run(['--file', join(folder.path, 'nothing')])
    expect(missing.code).toBe(1)
    expectOneLine(missing, /there is no such file/)
    const aFolder = await run(['--file', folder.path])
    expect(aFolder.code).toBe(1)
    expectOneLine(aFolder, /it is a folder/)
  })

  test('says in one line that state can not be kept, and ends with code 1', async () => {
    await using folder = await temporaryFolder()
    const ended = await run(['--state-dir', join(await fileWith(folder.path, ''), 'below')])
    expect(ended.code).toBe(1)
    expectOneLine(ended, /No state can be kept in folder/)
  })

  test('ends with code 1 and one line, within half a minute, when the disk takes no more', async () => {
    const began = performance.now()
    const ended = await run([], { limits: 'ulimit -f 64' })
    expect(ended.code).toBe(1)
    expectOneLine(ended, /File too large/)
    expect(performance.now() - began).toBeLessThan(30_000)
  })

  test('ends with code 1 and one line when the result can not be written', async () => {
    await using folder = await temporaryFolder()
    const file = await fileWith(folder.path, TEXT)
    const ended = await run(['--file', file, '--json'], { limits: 'exec > /dev/full' })
    expect(ended.code).toBe(1)
    expectOneLine(ended, /could not be written to standard output \(.*no space left/)
  })

  test('helps', async () => {
    const { code, stdout, stderr } = await run(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Usage: word-count/)
  })
})

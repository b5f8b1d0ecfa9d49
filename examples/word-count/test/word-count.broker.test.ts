import { randomUUID } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { bytesAt, silentLogger, type Transport, type TransportAdmin } from '@millrace/core'
import { kafka } from 'millrace/kafka'
import { describe, expect, inject, test } from 'vitest'
import { BUNDLED_TEXT } from '../src/text/bundled-text.ts'
import { expectOneLine } from './support/expect-one-line.ts'
import { independentCount, sum } from './support/independent-count.ts'
import { answer, Program, run } from './support/program.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const context = { logger: silentLogger }
const brokers = inject('kafkaBrokers')

async function firstLines(count: number): Promise<string> {
  return (await readFile(BUNDLED_TEXT, 'utf8')).split('\n').slice(0, count).join('\n')
}

/** Names of one test's own. */
function names() {
  const id = randomUUID().slice(0, 8)
  return { application: `count-${id}`, input: `lines-${id}`, output: `counts-${id}` }
}

function on({ application, input, output }: ReturnType<typeof names>, stateDir: string): string[] {
  return ['--brokers', brokers, '--application-id', application, '--input-topic', input, '--output-topic', output, '--state-dir', stateDir]
}

async function partitionsOf(admin: TransportAdmin, topic: string) {
  const [description] = await admin.describeTopics([topic])
  return Array.from({ length: description?.partitions ?? 0 }, (_, partition) => ({ topic, partition }))
}

async function recordsIn(admin: TransportAdmin, topic: string): Promise<number> {
  const ends = await admin.endOffsets(await partitionsOf(admin, topic), 'read-committed')
  return ends.reduce((records, { offset }) => records + offset, 0)
}

/** Keys as text and values as hexadecimal digits, in the order they were written. */
async function readBytes(transport: Transport, admin: TransportAdmin, topic: string): Promise<(readonly [string, string])[]> {
  const partitions = await partitionsOf(admin, topic)
  const ends = new Map((await admin.endOffsets(partitions, 'read-committed')).map(({ partition, offset }) => [partition, offset]))
  const open = new Set([...ends].filter(([, offset]) => offset > 0).map(([partition]) => partition))
  await using source = await transport.openSource({ clientId: 'test', isolation: 'read-committed' }, context)
  await source.assign(partitions.map((one) => ({ ...one, offset: 0 })))
  const rows: (readonly [string, string])[] = []
  while (open.size > 0) {
    const polled = await source.poll(1_000)
    for (const batch of polled.batches) {
      for (let i = 0; i < batch.length; i++) {
        const [key, value] = [bytesAt(batch.keys, i), bytesAt(batch.values, i)]
        rows.push([Buffer.from(key ?? []).toString(), Buffer.from(value ?? []).toString('hex')])
      }
      batch.release()
    }
    // Where transactions end, the last offset is no record's.
    for (const { partition, offset } of polled.ends) if (offset >= (ends.get(partition) ?? 0)) open.delete(partition)
  }
  return rows
}

describe('the program on Kafka', { timeout: 120_000 }, () => {
  test.each([
    [[], 21_424],
    [['--single'], 3_000],
    [['--batch-size', '1'], 3_000],
    [['--batch-size', '10000'], 3_000],
    [['--processing-guarantee', 'exactly-once'], 3_000],
    [['--processing-guarantee', 'exactly-once', '--single'], 1_000],
  ])('agrees with an independent count, with %j, of %i lines, and writes each word with 1, 2, 3...', async (args, length) => {
    await using folder = await temporaryFolder()
    const own = names()
    const text = (await readFile(BUNDLED_TEXT, 'utf8')).split('\n').slice(0, length).join('\n')
    const file = join(folder.path, 'text.txt')
    await writeFile(file, text)
    const state = join(folder.path, 'state')
    const { lines, words, counts } = await answer([...on(own, state), '--file', file, '--until-caught-up', ...args])
    const expected = independentCount(text)
    expect(counts).toEqual(expected)
    expect({ lines, words }).toEqual({ lines: length, words: sum(expected) })

    const transport = kafka({ brokers })
    await using admin = await transport.openAdmin(context)
    const rows = await readBytes(transport, admin, own.output)
    expect(rows).toHaveLength(sum(expected))
    const last = new Map<string, number>()
    for (const [word, value] of rows) {
      const count = (last.get(word) ?? 0) + 1
      expect(value).toBe(count.toString(16).padStart(16, '0'))
      last.set(word, count)
    }
  })

  test.each([
    ['at-least-once', 'kept', false],
    ['at-least-once', 'deleted', true],
    ['exactly-once', 'kept', false],
    ['exactly-once', 'deleted', true],
  ])('agrees with an independent count in two runs %s with a stop between them, the state folder %s', async (guarantee, _, deleted) => {
    await using folder = await temporaryFolder()
    const stateDir = join(folder.path, 'state')
    const own = names()
    const text = await firstLines(3_000)
    // The second part comes in the second run: the first may be through with its own before it is heard to be in the midst of it.
    const half = text.indexOf('\n', text.length / 2) + 1
    const files = [join(folder.path, 'first.txt'), join(folder.path, 'second.txt')] as const
    await writeFile(files[0], text.slice(0, half))
    await writeFile(files[1], text.slice(half))
    const expected = independentCount(text)

    const args = [...on(own, stateDir), '--processing-guarantee', guarantee]
    using first = new Program([...args, '--file', files[0], '--batch-size', '1', '--json'])
    await first.says('until SIGINT or SIGTERM')
    const transport = kafka({ brokers })
    await using admin = await transport.openAdmin(context)
    while ((await recordsIn(admin, own.output)) < 5_000) await pause(50)
    first.kill('SIGTERM')
    const stopped = await first.ended
    expect({ code: stopped.code, stderr: stopped.stderr }).toMatchObject({ code: 0 })
    const partial = JSON.parse(stopped.stdout) as { words: number; counts: Record<string, number> }
    expect(partial.words).toBe(sum(partial.counts))
    expect(partial.words).toBeGreaterThanOrEqual(5_000)
    expect(partial.words).toBeLessThan(sum(expected))

    if (deleted) await rm(stateDir, { recursive: true })
    const { lines, words, counts } = await answer([...args, '--file', files[1], '--until-caught-up'])
    expect(counts).toEqual(expected)
    expect({ lines, words }).toEqual({ lines: 3_000, words: sum(expected) })
  })

  test('creates missing topics with the partitions asked for, and keeps those of topics that exist', async () => {
    await using folder = await temporaryFolder()
    const own = names()
    const args = [...on(own, folder.path), '--until-caught-up']
    expect(await answer([...args, '--partitions', '3'])).toMatchObject({ lines: 0, words: 0, counts: {} })
    await using admin = await kafka({ brokers }).openAdmin(context)
    expect(await partitionsOf(admin, own.input)).toHaveLength(3)
    expect(await partitionsOf(admin, own.output)).toHaveLength(3)
    const { code, stderr } = await run([...args, '--partitions', '5', '--json'])
    expect(code).toBe(0)
    expect(stderr).toBe(
      [own.input, own.output].map((topic) => `word-count: topic '${topic}' exists with 3 partitions, and keeps them\n`).join(''),
    )
  })

  test('runs until it is told to stop, and ends well', async () => {
    await using folder = await temporaryFolder()
    using program = new Program(on(names(), folder.path))
    await program.says('until SIGINT or SIGTERM')
    program.kill('SIGINT')
    expect(await program.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('There are no words.') as string })
  })

  test('says in one line that a line is too long for the topic, and ends with code 1', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'text.txt')
    await writeFile(file, `short\n${'long '.repeat(500_000)}\n`)
    const ended = await run([...on(names(), folder.path), '--file', file, '--until-caught-up'])
    expect(ended.code).toBe(1)
    expectOneLine(ended, /1 line of '.*text\.txt' could not be written to topic '.*' \(.*(too large|is larger than)/i)
  })

  test('says in one line that the output topic holds something else, and ends with code 1', async () => {
    await using folder = await temporaryFolder()
    const own = names()
    const swapped = { ...own, application: `${own.application}-2`, input: own.output, output: own.input }
    const file = join(folder.path, 'text.txt')
    await writeFile(file, 'some words\n')
    await answer([...on(own, folder.path), '--file', file, '--until-caught-up'])
    const ended = await run([...on(swapped, folder.path), '--until-caught-up', '--json'])
    expect(ended.code).toBe(1)
    expectOneLine(ended, /holds a record that is no count of a word/)
  })

  test('says in one line that no broker is there, within half a minute, and ends with code 1', async () => {
    await using folder = await temporaryFolder()
    const began = performance.now()
    const ended = await run(['--brokers', '127.0.0.1:1', '--json', '--state-dir', folder.path])
    expect(ended.code).toBe(1)
    expectOneLine(ended, /127\.0\.0\.1:1/)
    expect(performance.now() - began).toBeLessThan(30_000)
  })
})

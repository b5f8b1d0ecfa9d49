import { type FailureOptions, ManualClock, serdes, TopologyBuilder } from '@millrace/core'
import { start } from '@millrace/runtime'
import type { MemoryFaults } from '@millrace/transport-memory'
import { describe, expect, test, vi } from 'vitest'
import { everythingIn, type Letter, valuesOf, writeDeadLetters } from '../support/dead-letters.ts'
import { MemoryApp } from '../support/memory-app.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const trace = { key: 'trace', value: new TextEncoder().encode('7') }

const LETTERS: readonly Letter[] = [
  { value: 'a', topic: 'lines', partition: 1, offset: 10, error: new RangeError('too long'), headers: [trace] },
  { value: 'b', topic: 'lines', partition: 0, offset: 11, error: new TypeError('no text\u001b[2J'), node: 'split' },
  { value: 'c', topic: 'others', offset: 12, error: new RangeError('too short') },
  { value: 'd', topic: 'lines', partition: 5, offset: 13, error: new RangeError('too long') },
]

async function opened(letters = LETTERS, faults?: MemoryFaults): Promise<MemoryApp> {
  const app = await MemoryApp.open({ failure: { deadLetter: { topic: 'dead' } } }, faults)
  await app.createTopics({ lines: 2, others: 1, dead: 1, totals: 1 })
  await writeDeadLetters(app.transport, 'dead', letters)
  return app
}

const many = (count: number): Letter[] =>
  Array.from({ length: count }, (_, i) => ({ value: `value ${i}`, topic: 'lines', partition: i % 2, offset: i }))

describe('dead letters are listed', () => {
  const values = async (app: MemoryApp, ...args: string[]) => {
    const { stdout } = await app.millrace(['dead-letters', 'list', '--json', ...args])
    const { deadLetters } = JSON.parse(stdout) as { deadLetters: { from: string }[] }
    return deadLetters.map(({ from }) => Number(from.split('@')[1]))
  }

  test.each([
    [[], [10, 11, 12, 13]],
    [
      ['--reason', 'RANGEERROR'],
      [10, 12, 13],
    ],
    [
      ['--reason', 'too long'],
      [10, 13],
    ],
    [['--from-topic', 'others'], [12]],
    [['--node', 'split'], [11]],
    [['--stage', 'decode'], []],
    [
      ['--since', '1970-01-01T00:00:11Z', '--until', '1970-01-01T00:00:13Z'],
      [11, 12],
    ],
    [['--reason', 'long', '--since', '1970-01-01T00:00:11Z'], [13]],
    [
      ['--limit', '2'],
      [10, 11],
    ],
  ])('%j', async (args, expected) => {
    await using app = await opened()

    expect(await values(app, ...args)).toEqual(expected)
  })

  test('for people, whose terminal is safe from what records hold', async () => {
    await using app = await opened()
    const { code, stdout } = await app.millrace(['dead-letters', 'list', '--limit', '2'])

    expect(stdout).toBe(`DEAD LETTER  TIME                      FROM        STAGE    NODE   REPLAYED  REASON
dead-0@0     1970-01-01T00:00:10.000Z  lines-1@10  process  count  -         RangeError: too long
dead-0@1     1970-01-01T00:00:11.000Z  lines-0@11  process  split  -         TypeError: no text\\u001b[2J

4 dead letters, of which the first 2 are shown: --limit.
`)
    expect(code).toBe(0)
  })
})

test('one is shown with all it has; one that is not there ends with 4', async () => {
  await using app = await opened()
  const { stdout } = await app.millrace(['dead-letters', 'show', 'dead-0@0'])
  expect(stdout).toContain('reason      RangeError: too long\n')
  expect(stdout).toContain('key         key 10\nvalue       a\n')
  expect(stdout).toContain('  trace: 7\n')
  expect(stdout).toContain('stack\n  RangeError: too long\n')

  const { stdout: json } = await app.millrace(['dead-letters', 'show', 'dead-0@0', '--json'])
  expect(JSON.parse(json)).toMatchObject({ id: 'dead-0@0', value: { text: 'a' }, from: 'lines-1@10', replayedAt: null })
  expect(await app.millrace(['dead-letters', 'show', 'dead-0@9'])).toMatchObject({ code: 4, stdout: '' })
  expect(await app.millrace(['dead-letters', 'show', 'dead'])).toMatchObject({ code: 2, stdout: '' })
})

test('replayed, records go back to where they came from, as they were; a second time nothing is replayed', async () => {
  await using app = await opened()
  const clock = new ManualClock(50_000)
  const { code, stdout } = await app.millrace(['dead-letters', 'replay', '--from-topic', 'lines'], { clock })
  expect(stdout).toBe('3 dead letters were replayed.\n  3 from dead to lines\n')
  expect(code).toBe(0)

  const records = (await everythingIn('lines', app)).toSorted((a, b) => a.timestamp - b.timestamp)
  expect(valuesOf(records)).toEqual(['a', 'b', 'd'])
  expect(records.map(({ timestamp }) => timestamp)).toEqual([10_000, 11_000, 13_000])
  // The partition that it had, where there is one.
  expect(records.slice(0, 2).map(({ partition }) => partition)).toEqual([1, 0])
  expect(records[0]?.headers).toEqual([trace, { key: 'millrace.replayed.from', value: new TextEncoder().encode('dead-0@0') }])

  const again = await app.millrace(['dead-letters', 'replay', '--json'], { clock })
  expect(JSON.parse(again.stdout)).toMatchObject({ replayed: 1, before: 3, topics: [{ byTopic: { others: 1 } }] })
  expect(JSON.parse((await app.millrace(['dead-letters', 'replay', '--json'])).stdout)).toMatchObject({ replayed: 0, before: 4 })
  expect(valuesOf(await everythingIn('lines', app))).toHaveLength(3)
  const { stdout: list } = await app.millrace(['dead-letters', 'list', '--limit', '1'])
  expect(list).toContain('1970-01-01T00:00:50.000Z  RangeError')

  // Unless it is asked for.
  expect(JSON.parse((await app.millrace(['dead-letters', 'replay', '--again', '--id', 'dead-0@2', '--json'])).stdout)).toMatchObject({
    replayed: 1,
  })
})

test('people see how far it is: on a terminal, and nowhere else', async () => {
  const told = async (isTerminal: boolean, ...args: string[]) => {
    await using app = await opened()
    let said = ''
    const stderr = { isTerminal, columns: 80, isClosed: false, write: async (text: string) => void (said += text) }
    expect((await app.millrace(['dead-letters', 'replay', ...args], { stderr })).code).toBe(0)
    return said
  }

  expect(await told(true)).toContain('100% 4/4 replayed')
  expect(await told(true, '--json')).toBe('')
  expect(await told(false)).toBe('')
})

test('of two replays at once the later ends the earlier, and each record comes once', async () => {
  await using app = await opened(many(100))
  const clock = new ManualClock()
  const turns = async () => {
    for (let i = 0; i < 60; i++) await new Promise((resolve) => setTimeout(resolve, 0))
  }
  const earlier = app.millrace(['dead-letters', 'replay', '--rate', '20'], { clock })
  await turns()
  await clock.advance(1_000, turns)
  await turns()
  const before = (await everythingIn('lines', app)).length
  const later = await app.millrace(['dead-letters', 'replay', '--json'])
  expect(JSON.parse(later.stdout)).toMatchObject({ before, replayed: 100 - before })
  await clock.advance(10_000, turns)

  expect(await earlier).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('millrace-replay-dead') as unknown })
  const values = valuesOf(await everythingIn('lines', app))
  expect([before > 0, values.length, new Set(values).size]).toEqual([true, 100, 100])
})

test('an application that has become able to process them gets what it had given up, and its headers say which that was', async () => {
  let isAble = false
  const headers: unknown[] = []
  const builder = new TopologyBuilder('able')
  const bytes = serdes.nullable(serdes.string)
  builder
    .source('lines', { topics: ['lines'], key: bytes, value: serdes.string })
    .process('try', {
      create: () => ({
        process(record, context) {
          if (record.value === 'bad' && !isAble) throw new TypeError('not yet')
          headers.push(...record.headers.map(({ key }) => key))
          context.forward(record)
        },
      }),
    })
    .sink('totals', { topic: 'totals', key: bytes, value: serdes.string })
  const retry = { initialDelayMs: 0, maxDelayMs: 0 }
  const failure: FailureOptions = { process: 'dead-letter', retry, deadLetter: { topic: 'dead' } }
  await using app = await MemoryApp.open({ topology: builder.build(), failure, stateDir: temporaryFolder() })
  await app.createTopics({ lines: 1, totals: 1, dead: 1 })
  await app.write('lines', 0, ['good', 'bad', 'better'])
  await using running = await start(app.definition)
  const ended = running.run()
  await running.caughtUp()
  expect(valuesOf(await everythingIn('totals', app))).toEqual(['good', 'better'])

  isAble = true
  expect((await app.millrace(['dead-letters', 'replay', '--reason', 'not yet'])).stdout).toContain('1 dead letter was replayed.')
  await running.caughtUp()
  await running.close()
  await ended
  expect(valuesOf(await everythingIn('totals', app))).toEqual(['good', 'better', 'bad'])
  expect(headers).toEqual(['millrace.replayed.from'])
})

test('of those that are named, those which are not there are told, and end it with 4', async () => {
  await using app = await opened()
  const replayed = await app.millrace(['dead-letters', 'replay', '--id', 'dead-0@1,dead-0@7,dead-9@0'])

  expect(replayed).toEqual({
    code: 4,
    stdout: '1 dead letter was replayed.\n  1 from dead to lines\n',
    stderr: 'millrace: There is no dead letter dead-0@7, dead-9@0: never, no more, or not with what else is asked for.\n',
  })
  // It is there, and was replayed.
  expect((await app.millrace(['dead-letters', 'replay', '--id', 'dead-0@1'])).code).toBe(0)
})

test('a timestamp that no date has is shown as it is', async () => {
  await using app = await opened([{ value: 'a', topic: 'lines', offset: 1, timestamp: 8_640_000_000_000_001 }, ...LETTERS])

  expect((await app.millrace(['dead-letters', 'list'])).stdout).toContain('dead-0@0     8640000000000001')
  expect((await app.millrace(['dead-letters', 'show', 'dead-0@0'])).stdout).toContain('time        8640000000000001\n')
})

test('a dry run tells and changes nothing, not even the topic of marks', async () => {
  await using app = await opened()
  const { stdout } = await app.millrace(['dead-letters', 'replay', '--dry-run'])

  expect(stdout).toContain('4 dead letters would be replayed.')
  expect(await everythingIn('lines', app)).toEqual([])
  expect(await app.admin.describeTopics(['dead-replayed'])).toEqual([])
})

test('a dry run waits for no rate', async () => {
  await using app = await opened(many(100))
  // A clock that stands still: what waits, waits for ever.
  const { stdout } = await app.millrace(['dead-letters', 'replay', '--dry-run', '--rate', '20'], { clock: new ManualClock() })

  expect(stdout).toContain('100 dead letters would be replayed.')
})

test('of those that are named by their places no more is read than lies between them', async () => {
  await using app = await opened(many(1_000))
  const read: (readonly [string, number])[] = []
  const openSource = app.transport.openSource.bind(app.transport)
  vi.spyOn(app.transport, 'openSource').mockImplementation(async (options, context) => {
    const source = await openSource(options, context)
    const assign = source.assign.bind(source)
    vi.spyOn(source, 'assign').mockImplementation(async (at) => {
      read.push(...at.map(({ topic, offset }) => [topic, offset] as const))
      await assign(at)
    })
    return source
  })
  const shown = await app.millrace(['dead-letters', 'show', 'dead-0@700', '--json'])
  expect(JSON.parse(shown.stdout)).toMatchObject({ value: { text: 'value 700' } })
  const replayed = await app.millrace(['dead-letters', 'replay', '--id', 'dead-0@702,dead-0@701', '--json'])
  expect(JSON.parse(replayed.stdout)).toMatchObject({ replayed: 2 })

  expect(read).toEqual([
    ['dead', 700],
    ['dead', 701],
  ])
})

test('marks of dead letters that are gone are deleted by the next replay', async () => {
  await using app = await opened(many(3))
  await app.millrace(['dead-letters', 'replay'])
  expect(await everythingIn('dead-replayed', app)).toHaveLength(3)
  await app.admin.deleteRecords([{ topic: 'dead', partition: 0, offset: 2 }])
  expect(JSON.parse((await app.millrace(['dead-letters', 'replay', '--json'])).stdout)).toMatchObject({ replayed: 0, before: 1 })

  const deleted = (await everythingIn('dead-replayed', app)).filter(({ value }) => value === null)
  expect(deleted.map(({ key }) => new TextDecoder().decode(key ?? new Uint8Array()).replace(/^.*?\//, ''))).toEqual(['0/0', '0/1'])
  expect(JSON.parse((await app.millrace(['dead-letters', 'replay', '--json'])).stdout)).toMatchObject({ replayed: 0, before: 1 })
  expect((await everythingIn('dead-replayed', app)).filter(({ value }) => value === null)).toHaveLength(2)
})

test('one that fails again and comes back as a dead letter is another one, and names where it first came from', async () => {
  await using app = await opened(LETTERS.slice(0, 1))
  await app.millrace(['dead-letters', 'replay'])
  await writeDeadLetters(app.transport, 'dead', [{ value: 'a', topic: 'lines', partition: 1, offset: 30, headers: [trace] }])

  expect(JSON.parse((await app.millrace(['dead-letters', 'replay', '--json'])).stdout)).toMatchObject({ replayed: 1, before: 1 })
})

test('replay that dies half-way is taken up where it was: each record comes once', async () => {
  let commits = 0
  const dies = {
    before: ({ type }: { readonly type: string }) => {
      if (type === 'commit-transaction' && ++commits === 3) throw new Error('the process dies')
    },
  }
  await using app = await opened(many(1_700), dies)
  const first = await app.millrace(['dead-letters', 'replay'])
  expect(first).toMatchObject({ code: 1, stderr: 'millrace: the process dies\n' })
  const before = await everythingIn('lines', app)
  expect(before).toHaveLength(1_000)

  expect(JSON.parse((await app.millrace(['dead-letters', 'replay', '--json'])).stdout)).toMatchObject({ replayed: 700, before: 1_000 })
  const values = valuesOf(await everythingIn('lines', app))
  expect(new Set(values).size).toBe(1_700)
  expect(values).toHaveLength(1_700)
})

test('an answer that is lost changes nothing: what was committed is not replayed again', async () => {
  let commits = 0
  const loses = {
    after: ({ type }: { readonly type: string }) => {
      if (type === 'commit-transaction' && ++commits === 1) throw new Error('the answer is lost')
    },
  }
  await using app = await opened(many(700), loses)
  expect((await app.millrace(['dead-letters', 'replay'])).code).toBe(1)

  expect(JSON.parse((await app.millrace(['dead-letters', 'replay', '--json'])).stdout)).toMatchObject({ replayed: 200, before: 500 })
  expect(await everythingIn('lines', app)).toHaveLength(700)
})

test('no more than the rate allows is replayed in any second', async () => {
  await using app = await opened(many(100))
  const clock = new ManualClock()
  const counts: number[] = []
  const running = app.millrace(['dead-letters', 'replay', '--rate', '20'], { clock })
  const turns = async () => {
    for (let i = 0; i < 60; i++) await new Promise((resolve) => setTimeout(resolve, 0))
  }
  await turns()
  for (let second = 0; second < 5; second++) {
    counts.push((await everythingIn('lines', app)).length)
    await clock.advance(1_000, turns)
    await turns()
  }

  expect(await running).toMatchObject({ code: 0 })
  expect(counts).toEqual([0, 20, 40, 60, 80])
})

test('what a slow broker has held up is not made up for in one burst', async () => {
  const clock = new ManualClock()
  let commits = 0
  let goOn: (() => void) | undefined
  const gate = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const slow = {
    before: async ({ type }: { readonly type: string }) => {
      if (type === 'commit-transaction' && ++commits === 1) await gate
    },
  }
  await using app = await opened(many(100), slow)
  const running = app.millrace(['dead-letters', 'replay', '--rate', '20'], { clock })
  const turns = async () => {
    for (let i = 0; i < 60; i++) await new Promise((resolve) => setTimeout(resolve, 0))
  }
  await turns()
  await clock.advance(10_000, turns)
  await turns()
  goOn?.()
  await turns()
  const counts: number[] = []
  for (let second = 0; second < 5; second++) {
    counts.push((await everythingIn('lines', app)).length)
    await clock.advance(1_000, turns)
    await turns()
  }
  expect(counts).toEqual([10, 30, 50, 70, 90])
  expect(await running).toMatchObject({ code: 0 })
})

test('what has no way back is refused by name', async () => {
  await using app = await opened([...LETTERS, { value: 'e', topic: 'gone', offset: 14 }])
  expect(await app.millrace(['dead-letters', 'replay', '--from-topic', 'gone'])).toMatchObject({
    code: 4,
    stderr:
      "millrace: Topic 'gone', which dead letters come from, does not exist: name another with --to, or leave them out with --from-topic.\n",
  })
  expect((await app.millrace(['dead-letters', 'replay', '--from-topic', 'gone', '--to', 'others'])).code).toBe(0)
  expect(valuesOf(await everythingIn('others', app))).toEqual(['e'])
  expect(await app.millrace(['dead-letters', 'list', '--topic', 'nowhere'])).toMatchObject({ code: 4 })
})

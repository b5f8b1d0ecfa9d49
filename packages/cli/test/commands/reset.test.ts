import { once } from 'node:events'
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ManualClock, silentLogger } from '@millrace/core'
import { start } from '@millrace/runtime'
import { describe, expect, test } from 'vitest'
import { NotFoundError } from '../../src/command-line/errors.ts'
import { processEnvironment } from '../../src/index.ts'
import { targetOf } from '../../src/load/target.ts'
import { planReset, type ResetRequest } from '../../src/reset/plan-reset.ts'
import { apps, millrace } from '../support/command.ts'
import { MemoryApp } from '../support/memory-app.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const OWN = ['app-by-word-repartition', 'app-counts-changelog']
const OTHERS = [
  'app-2-counts-changelog',
  'app-2-by-word-repartition',
  'app-old-changelog',
  'app-counts-changelog-2',
  'xapp-counts-changelog',
]

/** An application that has run, beside one whose name begins like its own. */
async function opened(stateDir = temporaryFolder()): Promise<MemoryApp> {
  const app = await MemoryApp.open({ stateDir })
  await app.createTopics({ lines: 2, totals: 2, ...Object.fromEntries([...OWN, ...OTHERS].map((topic) => [topic, 2])) })
  await app.write(
    'lines',
    0,
    Array.from({ length: 10 }, (_, i) => `line ${i}`),
  )
  await app.write('lines', 1, ['one', 'two', 'three'])
  await app.commit([{ topic: 'lines', partition: 0, offset: 6 }])
  return app
}

const never = { stop: new AbortController().signal, kill: new AbortController().signal }

const topicsOf = async ({ admin }: MemoryApp) => (await admin.describeTopics([/(?:)/])).map(({ topic }) => topic).toSorted()

function stored(...path: string[]): string {
  const folder = join(...path)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'data'), '')
  return folder
}

test('a dry run, the default, says what would be done and changes nothing', async () => {
  const stateDir = temporaryFolder()
  await using app = await opened(stateDir)
  const store = stored(stateDir, 'app', '0', '1_0', 'counts')
  const before = await topicsOf(app)
  const { code, stdout } = await app.millrace(['reset'])

  expect(stdout).toBe(`TOPIC  PARTITION  COMMITTED  NEW
lines          0          6    0
lines          1          -    0

Topics to delete:
  app-by-word-repartition
  app-counts-changelog

Local state to delete:
  ${store}

Nothing was changed. Add --execute to do it.
`)
  expect(code).toBe(0)
  expect(await topicsOf(app)).toEqual(before)
  expect(await app.committed('lines')).toEqual([6, undefined])
  expect(existsSync(store)).toBe(true)
})

test('--execute sets offsets, and deletes the internal topics and the local state of exactly this application', async () => {
  const stateDir = temporaryFolder()
  await using app = await opened(stateDir)
  const elsewhere = stored(temporaryFolder(), 'elsewhere')
  const kept = [stored(stateDir, 'app-2', '0', '1_0', 'counts'), stored(stateDir, 'ap', '0', '1_0', 'counts'), elsewhere]
  const gone = [stored(stateDir, 'app', '0', '1_0', 'counts'), stored(stateDir, 'app', '1', '1_1', 'counts')]
  symlinkSync(elsewhere, join(stateDir, 'app', '0', 'link'))
  writeFileSync(join(stateDir, 'app', '0', 'process-id'), 'an-id')
  const { code, stdout, stderr } = await app.millrace(['reset', '--execute', '--json'])

  expect(JSON.parse(stdout)).toMatchObject({
    applicationId: 'app',
    executed: true,
    offsets: [
      { topic: 'lines', partition: 0, from: 6, to: 0 },
      { topic: 'lines', partition: 1, from: null, to: 0 },
    ],
    deletedTopics: OWN,
    localState: gone,
  })
  expect(code).toBe(0)
  expect(await app.committed('lines')).toEqual([0, 0])
  expect(await topicsOf(app)).toEqual(['lines', 'totals', ...OTHERS].toSorted())
  expect(gone.map((folder) => existsSync(folder))).toEqual([false, false])
  expect(kept.map((folder) => existsSync(join(folder, 'data')))).toEqual([true, true, true])
  expect(existsSync(join(stateDir, 'app', '0', 'process-id'))).toBe(true)
  // What may be its own, by its name alone, is told.
  expect(stderr).toContain("topic 'app-old-changelog' is left alone")
  expect(stderr).not.toContain('xapp')
})

test('what the module does not tell of is deleted if it is named, and named like an internal topic', async () => {
  await using app = await opened()
  const { code } = await app.millrace(['reset', '--execute', '--internal-topics', 'app-old-changelog'])

  expect(code).toBe(0)
  expect(await topicsOf(app)).not.toContain('app-old-changelog')
  expect(await app.millrace(['reset', '--internal-topics', 'lines'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("'lines' is no internal topic of 'app'") as unknown,
  })
})

describe('offsets are set', () => {
  test.each([
    [['--to-earliest'], [2, 0]],
    [['--to-latest'], [10, 3]],
    [
      ['--to-offset', '4'],
      [4, 3],
    ],
    [
      ['--to-datetime', '1970-01-01T00:00:05Z'],
      [5, 3],
    ],
    [
      ['--to-datetime', '1971-01-01T00:00:00Z'],
      [10, 3],
    ],
    [
      ['--by-duration', 'PT3S'],
      [7, 3],
    ],
    [
      ['--shift-by', '3'],
      [9, undefined],
    ],
    [
      ['--shift-by', '-3'],
      [3, undefined],
    ],
    [
      ['--shift-by', '-100'],
      [2, undefined],
    ],
    [
      ['--shift-by', '100'],
      [10, undefined],
    ],
  ])('%j', async (args, expected) => {
    await using app = await opened()
    await app.admin.deleteRecords([{ topic: 'lines', partition: 0, offset: 2 }])
    const { code } = await app.millrace(['reset', '--execute', ...args], { clock: new ManualClock(10_000) })

    expect(await app.committed('lines')).toEqual(expected)
    expect(code).toBe(0)
  })
})

test('offsets come from a file, of partitions that are read', async () => {
  await using app = await opened()
  const file = join(temporaryFolder(), 'offsets.csv')
  writeFileSync(file, 'lines,1,2\n')
  expect((await app.millrace(['reset', '--execute', '--from-file', file])).code).toBe(0)
  expect(await app.committed('lines')).toEqual([6, 2])

  writeFileSync(file, 'totals,1,2\n')
  expect(await app.millrace(['reset', '--execute', '--from-file', file])).toMatchObject({
    code: 2,
    stderr: "millrace: The file of offsets names partition 1 of 'totals', which the application does not read.\n",
  })
})

test('a group that does not exist is no error', async () => {
  await using app = await MemoryApp.open({ stateDir: temporaryFolder() })
  await app.createTopics({ lines: 2, totals: 2 })
  const { code } = await app.millrace(['reset', '--execute', '--to-latest'])

  expect(code).toBe(0)
  expect(await app.committed('lines')).toEqual([0, 0])
})

test('while members are active it is refused with 3, also with --force, since they come back; nothing was changed', async () => {
  await using app = await opened()
  const before = await topicsOf(app)
  await using running = await start(app.definition)
  const ended = running.run()
  await running.caughtUp()
  const committed = await app.committed('lines')

  const refused = await app.millrace(['reset', '--execute'])
  expect(refused).toMatchObject({ code: 3, stdout: '' })
  expect(refused.stderr).toContain("Application 'app' is running")
  expect((await app.millrace(['reset'])).stderr).toContain('the application is running')
  // Who holds a folder here is known to be alive; of one elsewhere only the group tells.
  expect((await app.millrace(['reset', '--execute', '--force'])).stderr).toContain(`is in use by process ${process.pid}`)
  const elsewhere = await app.millrace(['reset', '--execute', '--force', '--state-dir', temporaryFolder()])
  expect(elsewhere).toMatchObject({ code: 3, stderr: expect.stringContaining('came back') as unknown })
  expect(await app.committed('lines')).toEqual(committed)
  expect(await topicsOf(app)).toEqual(before)

  await running.close()
  await ended
  expect((await app.millrace(['reset', '--execute'])).code).toBe(0)
})

describe('with --force', () => {
  /** A member that hears late that it was put out of the group, and the command that did it. */
  async function forced(app: MemoryApp, stop = new AbortController()) {
    const clock = new ManualClock()
    const heard = new AbortController()
    let said = ''
    const stderr = { isTerminal: false, columns: undefined, isClosed: false, write: async (text: string) => void (said += text) }
    const source = await app.transport.openSource(
      { clientId: 'late', groupId: 'app', isolation: 'read-committed' },
      { logger: silentLogger },
    )
    await source.subscribe(['lines'], {
      onAssigned: async (partitions) => partitions.map((at) => ({ ...at, offset: 0 })),
      onRevoked: async () => undefined,
      onLost: async () => void (await once(heard.signal, 'abort')),
    })
    await expect.poll(async () => (await app.admin.describeGroup?.('app'))?.members[0]?.assigned).toHaveLength(2)
    const args = ['reset', '--execute', '--force', '--state-dir', temporaryFolder()]
    const running = app.millrace(args, { clock, stderr, stop: stop.signal })
    await expect.poll(() => said).toContain('waiting 45 s')
    return { clock, source, running, hears: () => heard.abort(), said: () => said }
  }

  test('a member that hears only after many seconds that it was put out is alive all the same', async () => {
    await using app = await opened()
    const before = await topicsOf(app)
    const { clock, source, running, hears, said } = await forced(app)
    await clock.advance(40_000, () => new Promise((resolve) => setImmediate(resolve)))
    hears()
    await expect.poll(async () => (await app.admin.describeGroup?.('app'))?.members).toHaveLength(1)
    await clock.advance(4_000, () => new Promise((resolve) => setImmediate(resolve)))

    expect((await running).code).toBe(3)
    expect(said()).toContain('came back (late at')
    expect(await topicsOf(app)).toEqual(before)
    await source.close()
  })

  test('who stops it while it waits has interrupted it, and nothing was refused', async () => {
    await using app = await opened()
    const stop = new AbortController()
    const { source, running, hears } = await forced(app, stop)
    stop.abort()

    expect((await running).code).toBe(130)
    hears()
    await source.close()
  })
})

describe('without a module', () => {
  const reset = (...args: string[]) => millrace(['reset', '--brokers', '127.0.0.1:1', '--application', 'app', '--execute', ...args])
  const planned = (app: MemoryApp, request: Partial<ResetRequest>) => {
    const target = { transport: app.transport, applicationId: 'app', definition: undefined, stateDir: undefined }
    const nothing = { inputTopics: undefined, internalTopics: undefined, stateDir: undefined }
    return planReset(app.admin, { target, to: { kind: 'earliest' }, ...nothing, ...request })
  }

  test('it is refused, before anything is asked, if nothing is named that could be reset', async () => {
    expect(await reset()).toMatchObject({ code: 2, stderr: expect.stringContaining('Name what is to be reset: --input-topics') as unknown })
  })

  test('a file of offsets names the inputs', async () => {
    await using app = await opened()
    const { offsets } = await planned(app, { to: { kind: 'given', offsets: new Map([['lines 0', 3]]) } })

    expect(offsets).toEqual([
      { topic: 'lines', partition: 0, from: 6, to: 3 },
      { topic: 'lines', partition: 1, from: null, to: null },
    ])
  })

  test('an input that is named and does not exist ends with 4; an internal topic may be gone since it was interrupted', async () => {
    await using app = await opened()
    await expect(planned(app, { inputTopics: ['lines', 'linse'] })).rejects.toThrow("Input topic 'linse' does not exist.")
    await expect(planned(app, { to: { kind: 'given', offsets: new Map([['linse 0', 3]]) } })).rejects.toBeInstanceOf(NotFoundError)
    const { topics, notes } = await planned(app, { internalTopics: ['app-gone-changelog', 'app-old-changelog'] })

    expect(topics.map(({ topic }) => topic)).toEqual(['app-old-changelog'])
    expect(notes).toContain("internal topic 'app-gone-changelog' does not exist")
  })
})

test("on another Kafka than the module's, local state is left alone, unless its folder is named", async () => {
  const stateDir = temporaryFolder()
  await using app = await opened(stateDir)
  const importModule = async () => ({ default: app.definition })
  const environment = { ...processEnvironment({ importModule, ...never }), folder: apps }
  const target = await targetOf('word-count.ts', { brokers: '127.0.0.1:1' }, environment)
  const request = { to: { kind: 'earliest' as const }, inputTopics: undefined, internalTopics: undefined }
  const store = stored(stateDir, 'app', '0', '1_0', 'counts')

  const left = await planReset(app.admin, { ...request, target, stateDir: undefined })
  expect(left).toMatchObject({ localState: [], stateDir: undefined })
  expect(left.notes).toContainEqual(expect.stringContaining('local state is left alone'))
  expect(await planReset(app.admin, { ...request, target, stateDir })).toMatchObject({ localState: [store] })
})

test('local state that a process holds is not deleted', async () => {
  const stateDir = temporaryFolder()
  await using app = await opened(stateDir)
  const store = stored(stateDir, 'app', '0', '1_0', 'counts')
  // One that was started and does not run is no member, and holds its folder.
  await using held = await start({ ...app.definition, logger: silentLogger })
  const before = await topicsOf(app)
  expect((await app.millrace(['reset'])).stderr).toContain('the application is running')
  const { code, stderr } = await app.millrace(['reset', '--execute'])

  expect(code).toBe(3)
  // Whose changelogs they are would go on without them.
  expect(await topicsOf(app)).toEqual(before)
  expect(await app.committed('lines')).toEqual([6, undefined])
  expect(stderr).toContain(`is in use by process ${process.pid}`)
  expect(existsSync(store)).toBe(true)
  expect(held.state).toBe('created')
})

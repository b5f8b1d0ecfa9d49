import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ManualClock, silentLogger } from '@millrace/core'
import { start } from '@millrace/runtime'
import { describe, expect, test } from 'vitest'
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
  expect((await app.millrace(['reset', '--execute', '--force'])).stderr).toContain('came back')
  expect(await app.committed('lines')).toEqual(committed)
  expect(await topicsOf(app)).toEqual(before)

  await running.close()
  await ended
  expect((await app.millrace(['reset', '--execute'])).code).toBe(0)
})

test('local state that a process holds is not deleted', async () => {
  const stateDir = temporaryFolder()
  await using app = await opened(stateDir)
  const store = stored(stateDir, 'app', '0', '1_0', 'counts')
  // One that was started and does not run is no member, and holds its folder.
  await using held = await start({ ...app.definition, logger: silentLogger })
  const { code, stderr } = await app.millrace(['reset', '--execute'])

  expect(code).toBe(1)
  expect(stderr).toContain(`is in use by process ${process.pid}`)
  expect(existsSync(store)).toBe(true)
  expect(held.state).toBe('created')
})

import { cp, mkdir, readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { defineKeyValueStore, MillraceError, type StoreBackend } from '@millrace/core'
import { serdes } from 'millrace'
import { applicationId, count, counts, expectExact, restoredRecords, type Run, send, someInput } from './support/restored-counts.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'

const lines = someLines(600)
const [before, after] = [lines.slice(0, 500), lines.slice(500)]
const changelog = `${applicationId}-counts-changelog`
const taskFolder = (stateDir: string, task = '1_0') => join(stateDir, applicationId, '0', task)
const storeFolder = (stateDir: string, task = '1_0') => join(taskFolder(stateDir, task), 'counts')
const asideIn = async (folder: string) => (await readdir(folder)).filter((name) => name.startsWith('counts.set-aside-'))
const reasonsOf = ({ errors }: Run) => errors.map(({ fields }) => String(fields['reason'])).toSorted()

/** Counted once, and once more so that some of it is in tables. */
async function counted(stateDir: string) {
  const { transport, log } = await someInput(before.slice(0, 400))
  await count(transport, stateDir)
  await send(log, before.slice(400))
  await count(transport, stateDir)
  await send(log, after)
  return { transport, log }
}

describe('local state that is damaged is set aside, not deleted, with an error that says why, and restored:', () => {
  const overwritten = async (file: string) => writeFile(file, new Uint8Array((await readFile(file)).length).fill(0x5a))
  const cut = async (file: string) => truncate(file, Math.floor((await readFile(file)).length / 2))
  test.each([
    { files: 'CURRENT', damaged: 'overwritten', damage: overwritten },
    { files: 'CURRENT', damaged: 'cut', damage: cut },
    { files: 'MANIFEST', damaged: 'overwritten', damage: overwritten },
    { files: 'MANIFEST', damaged: 'cut', damage: cut },
    { files: '.ldb', damaged: 'overwritten', damage: overwritten },
    { files: '.ldb', damaged: 'cut', damage: cut },
  ])('$files $damaged', async ({ files, damage }) => {
    await using folder = await temporaryFolder()
    const { transport, log } = await counted(folder.path)
    await using _log = log
    const store = storeFolder(folder.path)
    const hit = (await readdir(store)).filter((name) => name.startsWith(files) || name.endsWith(files))
    for (const name of hit) await damage(join(store, name))
    const run = await count(transport, folder.path)
    expect(hit.length).toBeGreaterThan(0)
    await expectExact(log, lines)
    const [aside] = await asideIn(taskFolder(folder.path))
    expect(aside).toBeDefined()
    expect((await readdir(join(taskFolder(folder.path), aside as string))).length).toBeGreaterThan(2)
    expect(run.errors).toEqual([
      {
        message: expect.stringContaining("local state of store 'counts' can't be used and was set aside") as string,
        fields: expect.objectContaining({ task: '1_0', store: 'counts', reason: expect.stringContaining('damaged') as string }) as object,
      },
    ])
  })

  test('a log of which the end is missing is as if the last writes had not come yet, and they are restored', async () => {
    await using folder = await temporaryFolder()
    const { transport, log } = await counted(folder.path)
    await using _log = log
    const store = storeFolder(folder.path)
    const [name] = (await readdir(store)).filter((file) => file.endsWith('.log'))
    await cut(join(store, name as string))
    const run = await count(transport, folder.path)
    await expectExact(log, lines)
    expect(run.errors).toEqual([])
    expect(restoredRecords(run)).toBeGreaterThan(0)
  })

  test('a log that is overwritten in its midst', async () => {
    await using folder = await temporaryFolder()
    const { transport, log } = await counted(folder.path)
    await using _log = log
    const store = storeFolder(folder.path)
    const [name] = (await readdir(store)).filter((file) => file.endsWith('.log'))
    const bytes = await readFile(join(store, name as string))
    bytes.fill(0x5a, 100, 110)
    await writeFile(join(store, name as string), bytes)
    await count(transport, folder.path)
    await expectExact(log, lines)
  })

  test('damage that a processor finds makes its tasks begin anew, once', async () => {
    await using folder = await temporaryFolder()
    const { transport, log } = await someInput(before)
    await using _log = log
    await count(transport, folder.path)
    await send(log, after)
    let reads = 0
    // A disk that fails while the store is in use; the store says so when it is opened again.
    const failing = defineKeyValueStore({
      name: 'counts',
      key: serdes.string,
      value: serdes.safeInt64,
      access: 'sync',
      open: async (where) => {
        const damaged = () => new MillraceError('STORE_CORRUPT', `The state in '${where.folder}' is damaged.`, { stage: 'store' })
        if (reads === 5) {
          reads++
          throw damaged()
        }
        const backend: StoreBackend = await counts.open(where)
        const getMany = backend.getMany.bind(backend)
        backend.getMany = async (keys) => {
          if (reads < 5 && ++reads === 5) throw damaged()
          return getMany(keys)
        }
        return backend
      },
    })
    const run = await count(transport, folder.path, {
      topology: wordCountTopology({ counts: failing }),
      batch: { size: 5, timeoutMs: 1 },
      stateCacheBytes: 0,
    })
    expect(run.events.filter(({ type }) => type === 'recover')).toHaveLength(1)
    expect(run.errors).toHaveLength(1)
    const last = new Map((await log.readAll('word-counts', outputSerdes)).map(({ key, value }) => [key, value]))
    expect(last).toEqual(countWords(lines))
  })
})

describe('local state of somebody else is set aside and restored:', () => {
  test('of another application', async () => {
    await using folder = await temporaryFolder()
    const { transport, log } = await someInput(before)
    await using _log = log
    await count(transport, folder.path, { applicationId: 'another' })
    await rename(join(folder.path, 'another'), join(folder.path, applicationId))
    const other = await someInput(lines)
    await using _other = other.log
    const run = await count(other.transport, folder.path)
    await expectExact(other.log, lines)
    expect(reasonsOf(run)).toEqual([
      `it belongs to changelog another-counts-changelog-0, not to ${changelog}-0`,
      `it belongs to changelog another-counts-changelog-1, not to ${changelog}-1`,
    ])
  })

  test('of another task', async () => {
    await using folder = await temporaryFolder()
    const { transport, log } = await someInput(before)
    await using _log = log
    await count(transport, folder.path)
    await send(log, after)
    const [one, two] = [storeFolder(folder.path, '1_0'), storeFolder(folder.path, '1_1')]
    await rename(one, `${one}-1`)
    await rename(two, one)
    await rename(`${one}-1`, two)
    const run = await count(transport, folder.path)
    await expectExact(log, lines)
    expect(reasonsOf(run)).toEqual([
      `it belongs to changelog ${changelog}-0, not to ${changelog}-1`,
      `it belongs to changelog ${changelog}-1, not to ${changelog}-0`,
    ])
  })

  test('of another store', async () => {
    await using folder = await temporaryFolder()
    const { transport, log } = await someInput(before)
    await using _log = log
    const other = { ...counts, name: 'other-counts' }
    await count(transport, folder.path, { topology: wordCountTopology({ counts: other }) })
    await rename(join(taskFolder(folder.path), 'other-counts'), storeFolder(folder.path))
    await send(log, after)
    const run = await count(transport, folder.path)
    // Its own changelog is empty: it has never counted anything.
    expect(reasonsOf(run)).toEqual([`it belongs to changelog ${applicationId}-other-counts-changelog-0, not to ${changelog}-0`])
    expect(await asideIn(taskFolder(folder.path))).toHaveLength(1)
  })

  test('that holds the effect of input that is not committed here: of another cluster, or from before a reset', async () => {
    await using folder = await temporaryFolder()
    await using copy = await temporaryFolder()
    const { transport, log } = await someInput(before)
    await using _log = log
    await count(transport, folder.path)
    await cp(folder.path, copy.path, { recursive: true })
    // Another cluster, as it were: the same topics, but nothing committed and nothing in the changelog.
    const other = await someInput(lines)
    await using _other = other.log
    const run = await count(other.transport, copy.path)
    await expectExact(other.log, lines)
    const [reason] = reasonsOf(run)
    expect(reason).toContain('it holds the effect of input that the group has not committed')
    expect(reason).toContain(`delete the changelog topic '${changelog}' too`)
  })

  test('files that are no store at all', async () => {
    await using folder = await temporaryFolder()
    const { transport, log } = await someInput(lines)
    await using _log = log
    await mkdir(storeFolder(folder.path), { recursive: true })
    await writeFile(join(storeFolder(folder.path), 'holiday.jpg'), 'sunset')
    await count(transport, folder.path)
    await expectExact(log, lines)
    const [aside] = await asideIn(taskFolder(folder.path))
    expect(await readFile(join(taskFolder(folder.path), aside as string, 'holiday.jpg'), 'utf8')).toBe('sunset')
  })
})

describe('local state and a changelog that does not fit', () => {
  test('that was deleted and created anew: what is in it is restored, and what was there is set aside', async () => {
    await using folder = await temporaryFolder()
    const { transport, log } = await someInput(before)
    await using _log = log
    await count(transport, folder.path)
    await log.admin.deleteTopics([changelog])
    await send(log, after)
    const run = await count(transport, folder.path)
    expect(reasonsOf(run)).toEqual([
      expect.stringContaining('which was deleted and created anew') as string,
      expect.stringContaining('which was deleted and created anew') as string,
    ])
    expect(await asideIn(taskFolder(folder.path))).toHaveLength(1)
  })

  test('that has lost what follows: what is left of it is restored, and what was there is set aside', async () => {
    await using folder = await temporaryFolder()
    const { transport, log } = await someInput(before)
    await using _log = log
    await count(transport, folder.path)
    const partitions = [0, 1].map((partition) => ({ topic: changelog, partition }))
    const ends = await log.admin.endOffsets(partitions, 'read-uncommitted')
    await using elsewhere = await temporaryFolder()
    await send(log, after.slice(0, 50))
    await count(transport, elsewhere.path)
    await log.admin.deleteRecords(ends.map((end) => ({ ...end, offset: end.offset + 1 })))
    await send(log, after.slice(50))
    const run = await count(transport, folder.path)
    expect(reasonsOf(run)).toEqual([
      expect.stringContaining('it holds its changelog up to offset') as string,
      expect.stringContaining('it holds its changelog up to offset') as string,
    ])
  })
})

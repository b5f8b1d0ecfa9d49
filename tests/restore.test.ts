import { readdir, rm } from 'node:fs/promises'
import { describe, expect, test, vi } from 'vitest'
import { defineApp, serdes, silentLogger, start } from 'millrace'
import { leveldb } from 'millrace/leveldb'
import { applicationId, count, counts, expectExact, restoredRecords, send, someInput } from './support/restored-counts.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, someLines, wordCountTopology } from './support/word-count-topology.ts'

describe('restore', () => {
  test('after a clean stop nothing of what is on disk is read again but the last two commits', async () => {
    await using folder = await temporaryFolder()
    const lines = someLines(600)
    const { transport, log } = await someInput(lines.slice(0, 500))
    await using _log = log
    const first = await count(transport, folder.path)
    const lastCommits = first.events.filter((event) => event.type === 'commit' && event.changelogRecords > 0).slice(-2)
    await send(log, lines.slice(500))
    const second = await count(transport, folder.path)
    const bound = lastCommits.reduce((sum, event) => sum + (event.type === 'commit' ? event.changelogRecords : 0), 0)
    expect(restoredRecords(second)).toBeLessThanOrEqual(bound)
    await expectExact(log, lines)
  })

  test('state after losing the disk equals state before', async () => {
    await using folder = await temporaryFolder()
    const lines = someLines(600)
    const { transport, log } = await someInput(lines.slice(0, 500))
    await using _log = log
    await count(transport, folder.path)
    await rm(folder.path, { recursive: true })
    await send(log, lines.slice(500))
    const run = await count(transport, folder.path)
    expect(restoredRecords(run)).toBeGreaterThan(0)
    await expectExact(log, lines)
  })

  test('state that was away for so long that its changelog may have dropped deletions is restored from the beginning', async () => {
    await using folder = await temporaryFolder()
    const lines = someLines(700)
    const { transport, log } = await someInput(lines.slice(0, 300))
    await using _log = log
    let later = 0
    const after = async (days: number, from: number, to: number) => {
      later += days * 86_400_000
      await send(log, lines.slice(from, to))
      const { events, errors } = await count(transport, folder.path)
      const restores = events.filter((event) => event.type === 'restore')
      return { from: restores.filter(({ phase }) => phase === 'started').map((event) => event.from), errors }
    }
    const aside = async () => {
      const names = await readdir(folder.path, { recursive: true })
      return names.filter((name) => /set-aside-\d+$/.test(name)).length
    }
    const now = Date.now.bind(Date)
    const time = vi.spyOn(Date, 'now').mockImplementation(() => now() + later)
    try {
      await count(transport, folder.path)
      const soon = await after(5, 300, 400)
      expect([soon.errors, soon.from.includes(0)]).toEqual([[], false])
      const late = await after(6.5, 400, 500)
      expect(late.from).toEqual([0, 0])
      expect(late.errors.map(({ fields }) => fields['reason'])).toEqual(Array(2).fill(expect.stringContaining('delete.retention.ms')))
      expect(await aside()).toBe(2)
      await after(5, 500, 600)
      expect(await aside()).toBe(2)
      await after(3, 600, 700)
      expect(await aside()).toBe(0)
      await expectExact(log, lines)
    } finally {
      time.mockRestore()
    }
  })

  test('committed state can be read from outside', async () => {
    await using folder = await temporaryFolder()
    const lines = someLines(300)
    const { transport, log } = await someInput(lines)
    await using _log = log
    const app = await start(
      defineApp({
        topology: wordCountTopology({ counts }),
        applicationId,
        transport,
        stateDir: folder.path,
        logger: silentLogger,
        batch: { timeoutMs: 1 },
      }),
    )
    const running = app.run()
    await app.caughtUp()
    const expected = countWords(lines)
    const words = [...expected.keys(), 'never seen']
    expect(await app.store(counts).getBatch(words)).toEqual(words.map((word) => expected.get(word)))
    expect(() => app.store(leveldb.keyValueStore({ name: 'other', key: serdes.string, value: serdes.string }))).toThrow("no store 'other'")
    await app.close()
    await running
  })
})

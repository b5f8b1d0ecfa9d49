import { readdir, rm } from 'node:fs/promises'
import { describe, expect, test, vi } from 'vitest'
import { defineApp, serdes, silentLogger, start } from 'millrace'
import { leveldb } from 'millrace/leveldb'
import { applicationId, count, counts, expectExact, restoredRecords, send, someInput } from './support/restored-counts.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, someLines, wordCountTopology } from './support/word-count-topology.ts'

describe('restore', () => {
  test('after a clean stop nothing of what is on disk is read again', async () => {
    await using folder = await temporaryFolder()
    const lines = someLines(600)
    const { transport, log } = await someInput(lines.slice(0, 500))
    await using _log = log
    await count(transport, folder.path)
    await send(log, lines.slice(500))
    expect(restoredRecords(await count(transport, folder.path))).toBe(0)
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
    await using elsewhere = await temporaryFolder()
    const lines = someLines(1_100)
    const { transport, log } = await someInput(lines.slice(0, 300))
    await using _log = log
    let later = 0
    /** Another process counts meanwhile. */
    const after = async (days: number, from: number, to: number) => {
      const middle = (from + to) / 2
      await send(log, lines.slice(from, middle))
      await count(transport, elsewhere.path)
      later += days * 86_400_000
      await send(log, lines.slice(middle, to))
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
      const soon = await after(5, 300, 500)
      expect([soon.errors, soon.from.includes(0)]).toEqual([[], false])
      const late = await after(6.5, 500, 700)
      expect(late.from).toEqual([0, 0])
      expect(late.errors.map(({ fields }) => fields['reason'])).toEqual(Array(2).fill(expect.stringContaining('delete.retention.ms')))
      expect(await aside()).toBe(2)
      await after(5, 700, 900)
      expect(await aside()).toBe(2)
      await after(3, 900, 1_100)
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

import { rm } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
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

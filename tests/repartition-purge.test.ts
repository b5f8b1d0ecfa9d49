import { expect, test } from 'vitest'
import { defineApp, type Logger, MillraceError, silentLogger, start } from 'millrace'
import { memory, type MemoryFaults } from 'millrace/memory'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, inputSerdes, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'

const repartition = 'purged-by-word-repartition'

async function run(processingGuarantee: 'at-least-once' | 'exactly-once', faults: MemoryFaults, during: (log: LogClient) => Promise<void>) {
  await using folder = await temporaryFolder()
  const transport = memory({ faults })
  await using log = await LogClient.open(transport)
  await log.createTopics({ lines: 2, 'word-counts': 2 })
  const lines = someLines(300)
  await log.write(
    'lines',
    inputSerdes,
    lines.map((value) => ({ key: null, value })),
  )
  const warnings: unknown[] = []
  const logger: Logger = { ...silentLogger, warn: (fields) => void warnings.push((fields as { err: unknown }).err) }
  const app = await start(
    defineApp({
      topology: wordCountTopology(),
      applicationId: 'purged',
      transport,
      stateDir: folder.path,
      processingGuarantee,
      logger,
      batch: { size: 20, timeoutMs: 1 },
      commit: { records: 40 },
      repartitionPurgeIntervalMs: 5,
    }),
  )
  const running = app.run()
  await app.caughtUp()
  await during(log)
  await app.close()
  await running
  const counts = new Map((await log.readAll('word-counts', outputSerdes)).map(({ key, value }) => [key, value]))
  expect(counts).toEqual(countWords(lines))
  return warnings
}

const partitions = [0, 1].map((partition) => ({ topic: repartition, partition }))

test.each(['at-least-once', 'exactly-once'] as const)(
  'what was read and committed of a repartition topic is deleted, %s',
  async (guarantee) => {
    const deletions: (readonly (readonly [string, number])[])[] = []
    const sent = new Map<string, number>()
    const committed = new Map<string, number>()
    const beyond: unknown[] = []
    const faults: MemoryFaults = {
      after: (operation) => {
        const into = operation.type === 'commit' ? committed : sent
        if (operation.type === 'commit' || operation.type === 'send-offsets')
          for (const { topic, partition, offset } of operation.offsets) into.set(`${topic} ${partition}`, offset)
        if (operation.type === 'commit-transaction') for (const [key, offset] of sent) committed.set(key, offset)
      },
      before: (operation) => {
        if (operation.type !== 'delete-records') return
        deletions.push(operation.offsets.map(({ topic, offset }) => [topic, offset] as const))
        beyond.push(...operation.offsets.filter(({ topic, partition, offset }) => offset > (committed.get(`${topic} ${partition}`) ?? 0)))
      },
    }
    const warnings = await run(guarantee, faults, async (log) => {
      const ends = await log.admin.endOffsets(partitions, 'read-committed')
      await expect.poll(() => log.admin.beginningOffsets(partitions)).toEqual(ends)
    })
    expect(beyond).toEqual([])
    expect(new Set(deletions.flat().map(([topic]) => topic))).toEqual(new Set([repartition]))
    expect(warnings).toEqual([])
  },
)

test('one that may not be deleted from is told once, and is no harm', async () => {
  let asked = 0
  const before: MemoryFaults['before'] = (operation) => {
    if (operation.type !== 'delete-records') return
    asked++
    throw new MillraceError('NOT_AUTHORIZED', 'You may not.', { stage: 'source' })
  }
  const warnings = await run('at-least-once', { before }, async () => {
    await expect.poll(() => asked).toBeGreaterThan(3)
  })
  expect(warnings).toMatchObject([{ code: 'NOT_AUTHORIZED' }])
})

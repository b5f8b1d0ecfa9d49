import { describe, expect, test } from 'vitest'
import { defineApp, type RuntimeEvent, silentLogger, start } from 'millrace'
import { memory, type MemoryOperation } from 'millrace/memory'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, inputSerdes, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'

const group = 'durable'

/** Runs the word count over lines of one topic while `before` interferes; returns the operations seen, the events, and the output. */
async function runWith(before: (operation: MemoryOperation) => void | Promise<void>) {
  await using folder = await temporaryFolder()
  const operations: MemoryOperation[] = []
  const events: RuntimeEvent[] = []
  const transport = memory({
    faults: {
      before: (operation) => {
        operations.push(operation)
        return before(operation)
      },
    },
  })
  await using log = await LogClient.open(transport)
  await log.createTopics({ lines: 1, 'word-counts': 1 })
  const lines = someLines(400)
  await log.write(
    'lines',
    inputSerdes,
    lines.map((value) => ({ key: null, value })),
  )
  const app = await start(
    defineApp({
      topology: wordCountTopology(),
      applicationId: group,
      transport,
      stateDir: folder.path,
      logger: silentLogger,
      batch: { size: 20, timeoutMs: 1 },
      commit: { records: 40 },
      observer: (event) => events.push(event),
    }),
  )
  const running = app.run()
  await app.caughtUp()
  await app.close()
  await running
  return { operations, events, lines, output: await log.readAll('word-counts', outputSerdes) }
}

/** At least once: every word's count is reached, and with repeats removed each word's counts ascend. */
function expectNothingLost(lines: readonly string[], output: readonly { key: string; value: number }[]) {
  const last = new Map<string, number>()
  const highest = new Map<string, number>()
  for (const { key, value } of output) {
    last.set(key, value)
    highest.set(key, Math.max(highest.get(key) ?? 0, value))
  }
  const missing = [...countWords(lines)].filter(([word, count]) => (highest.get(word) ?? 0) < count)
  expect(missing).toEqual([])
  expect(last.size).toBe(countWords(lines).size)
}

describe('durable-before-offset', () => {
  test('offsets are committed only after everything written for them was acknowledged', async () => {
    const { operations, lines, output } = await runWith(() => undefined)
    let unflushed = 0
    const unflushedAtCommits: number[] = []
    const committed = new Map<string, number>()
    for (const operation of operations) {
      if (operation.type === 'deliver' && operation.clientId === group) unflushed++
      if (operation.type === 'flush' && operation.clientId === group) unflushed = 0
      if (operation.type !== 'commit') continue
      // What is committed again as it stands only asks the group whether it still counts this member in; 0 says where reading begins.
      const moved = operation.offsets.filter(({ topic, partition, offset }) => (committed.get(`${topic} ${partition}`) ?? 0) !== offset)
      for (const { topic, partition, offset } of moved) committed.set(`${topic} ${partition}`, offset)
      if (moved.length > 0) unflushedAtCommits.push(unflushed)
    }
    expect(unflushedAtCommits.length).toBeGreaterThan(3)
    expect(new Set(unflushedAtCommits)).toEqual(new Set([0]))
    const last = new Map(output.map(({ key, value }) => [key, value]))
    expect(last).toEqual(countWords(lines))
  })

  test('a record that cannot be delivered keeps its offsets from being committed; the tasks are made anew and nothing is lost', async () => {
    let failed = 0
    const { events, lines, output } = await runWith((operation) => {
      if (operation.type === 'deliver' && operation.topic === 'word-counts' && failed++ < 2) throw new Error('not delivered')
    })
    expect(events.filter(({ type }) => type === 'recover').length).toBeGreaterThan(0)
    expectNothingLost(lines, output)
  })

  test.each(['flush', 'commit', 'write'] as const)('a %s that fails is recovered from, and nothing is lost', async (type) => {
    let calls = 0
    const { events, lines, output } = await runWith((operation) => {
      const ours = 'clientId' in operation && operation.clientId.startsWith(group)
      if (ours && operation.type === type && ++calls % 5 === 3 && calls < 12) throw new Error(`${type} failed`)
    })
    expect(events.some((event) => event.type === 'recover')).toBe(true)
    expectNothingLost(lines, output)
  })

  test('a commit whose answer was lost is recovered from like one that failed', async () => {
    await using folder = await temporaryFolder()
    let lost = 0
    const transport = memory({
      faults: {
        after: (operation) => {
          if (operation.type === 'commit' && ++lost === 3) throw new Error('the answer was lost')
        },
      },
    })
    await using log = await LogClient.open(transport)
    await log.createTopics({ lines: 1, 'word-counts': 1 })
    const lines = someLines(400)
    await log.write(
      'lines',
      inputSerdes,
      lines.map((value) => ({ key: null, value })),
    )
    const app = await start(
      defineApp({
        topology: wordCountTopology(),
        applicationId: group,
        transport,
        stateDir: folder.path,
        logger: silentLogger,
        batch: { size: 20, timeoutMs: 1 },
        commit: { records: 40 },
      }),
    )
    const running = app.run()
    await app.caughtUp()
    await app.close()
    await running
    expect(lost).toBeGreaterThan(3)
    expectNothingLost(lines, await log.readAll('word-counts', outputSerdes))
  })
})

import { describe, expect, test } from 'vitest'
import { type BatchTrigger, defineApp, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { memory } from 'millrace/memory'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, inputSerdes, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'

const pair = { key: serdes.string, value: serdes.int32 }

function copyTopology(onRecord: () => void | Promise<void> = () => undefined) {
  const builder = new TopologyBuilder('copy')
  builder
    .source('in', { topics: ['in'], ...pair })
    .process('copy', async (record, context) => {
      await onRecord()
      context.forward(record)
    })
    .sink('out', { topic: 'out', ...pair })
  return builder.build()
}

describe('drain', () => {
  test('close flushes the partial batch that was waiting for company, commits it, and resolves run()', async () => {
    await using folder = await temporaryFolder()
    const transport = memory()
    await using log = await LogClient.open(transport)
    await log.createTopics({ in: 1, out: 1 })
    const triggers: BatchTrigger[] = []
    let arrived: () => void = () => undefined
    const read = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const app = await start(
      defineApp({
        topology: copyTopology(),
        applicationId: 'drains',
        transport,
        stateDir: folder.path,
        logger: silentLogger,
        batch: { size: 10, timeoutMs: 3_600_000 },
        observer: (event) => {
          if (event.type === 'cut') {
            triggers.push(event.trigger)
            if (event.trigger === 'records') arrived()
          }
        },
      }),
    )
    const running = app.run()
    await log.write(
      'in',
      pair,
      Array.from({ length: 13 }, (_, value) => ({ key: 'k', value })),
    )
    await read
    await app.close()
    await running
    expect(triggers).toEqual(['records', 'drain'])
    expect((await log.readAll('out', pair)).map(({ value }) => value)).toEqual(Array.from({ length: 13 }, (_, i) => i))
    expect(await log.committed('drains', 'in')).toEqual([13])
    expect(app.state).toBe('not-running')
  })

  test('what is handed back at close is processed by the next run: nothing is lost, nothing comes twice', async () => {
    await using folder = await temporaryFolder()
    const transport = memory()
    await using log = await LogClient.open(transport)
    await log.createTopics({ lines: 3, 'word-counts': 3 })
    const lines = someLines(3_000)
    await log.write(
      'lines',
      inputSerdes,
      lines.map((value) => ({ key: null, value })),
    )
    for (let run = 0; run < 4; run++) {
      let passes = 0
      let enough: () => void = () => undefined
      const someDone = new Promise<void>((resolve) => {
        enough = resolve
      })
      const app = await start(
        defineApp({
          topology: wordCountTopology(),
          applicationId: 'stops-and-goes',
          transport,
          stateDir: folder.path,
          logger: silentLogger,
          batch: { size: 50, timeoutMs: 1 },
          observer: (event) => {
            if (event.type === 'cut' && ++passes === 25) enough()
          },
        }),
      )
      const running = app.run()
      await (run < 3 ? someDone : app.caughtUp())
      await app.close()
      await running
    }
    const last = new Map<string, number>()
    for (const { key, value } of await log.readAll('word-counts', outputSerdes)) {
      expect(value).toBe((last.get(key) ?? 0) + 1)
      last.set(key, value)
    }
    expect(last).toEqual(countWords(lines))
  })

  test('a second member takes over half of the partitions while records flow, and gives them back when it leaves', async () => {
    await using folder = await temporaryFolder()
    const transport = memory()
    await using log = await LogClient.open(transport)
    await log.createTopics({ lines: 4, 'word-counts': 4 })
    const lines = someLines(2_000)
    const member = () =>
      start(
        defineApp({
          topology: wordCountTopology(),
          applicationId: 'pair',
          transport,
          stateDir: folder.path,
          logger: silentLogger,
          batch: { size: 20, timeoutMs: 1 },
        }),
      )
    const first = await member()
    const firstRun = first.run()
    const send = (from: number, to: number) =>
      log.write(
        'lines',
        inputSerdes,
        lines.slice(from, to).map((value) => ({ key: null, value })),
      )
    await send(0, 500)
    const second = await member()
    const secondRun = second.run()
    await send(500, 1_000)
    await first.caughtUp()
    await send(1_000, 1_500)
    await second.close()
    await secondRun
    await send(1_500, 2_000)
    await first.caughtUp()
    await first.close()
    await firstRun
    const last = new Map<string, number>()
    for (const { key, value } of await log.readAll('word-counts', outputSerdes)) {
      expect(value).toBe((last.get(key) ?? 0) + 1)
      last.set(key, value)
    }
    expect(last).toEqual(countWords(lines))
  })
})

import { describe, expect, test } from 'vitest'
import { type ProcessorContext, defineApp, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { memory } from 'millrace/memory'
import { deferred } from './support/deferred.ts'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const pair = { key: serdes.string, value: serdes.int32 }

function copyTopology(init: (context: ProcessorContext<string, number>) => Promise<void>) {
  const builder = new TopologyBuilder('copy')
  builder
    .source('in', { topics: ['in'], ...pair })
    .process<string, number>('copy', { create: () => ({ init, process: (record, context) => context.forward(record) }) })
    .sink('out', { topic: 'out', ...pair })
  return builder.build()
}

const aborted = ({ signal }: ProcessorContext<string, number>) =>
  new Promise<void>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })

describe('a processor whose init takes longer than its task is there', () => {
  test.each(['heeds its signal', 'ends too late'] as const)('and %s disturbs nobody: the others go on', async (how) => {
    await using folder = await temporaryFolder()
    const transport = memory()
    await using log = await LogClient.open(transport)
    await log.createTopics({ in: 2, out: 2 })
    const gate = deferred()
    const begun = deferred()
    const open = (init: (context: ProcessorContext<string, number>) => Promise<void>) =>
      start(
        defineApp({
          topology: copyTopology(init),
          applicationId: 'slow',
          transport,
          stateDir: folder.path,
          logger: silentLogger,
          batch: { size: 10, timeoutMs: 1 },
          revokeTimeoutMs: how === 'ends too late' ? 50 : 5_000,
        }),
      )
    let leaving: number | undefined
    const first = await open(async (context) => {
      begun.resolve()
      if (context.partition !== 1 || leaving !== undefined) return
      leaving = context.partition
      await (how === 'heeds its signal' ? aborted(context) : gate.promise)
    })
    const firstRun = first.run()
    await begun.promise
    while (leaving === undefined) await new Promise(setImmediate)
    const moved = deferred()
    const second = await open(async () => moved.resolve())
    const secondRun = second.run()
    await moved.promise
    gate.resolve()
    for (const partition of [0, 1]) await log.write('in', pair, [{ key: `k${partition}`, value: 1, partition }])
    await Promise.all([first.caughtUp(), second.caughtUp()])
    expect(first.state).toBe('running')
    expect((await log.readAll('out', pair)).map(({ key }) => key).toSorted()).toEqual(['k0', 'k1'])
    await Promise.all([first.close(), second.close()])
    await Promise.all([firstRun, secondRun])
  })
})

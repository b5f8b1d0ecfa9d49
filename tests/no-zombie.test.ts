import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { defineApp, serdes, silentLogger, start, TaskClosedError, TopologyBuilder, type ProcessorContext } from 'millrace'
import { inMemory, memory } from 'millrace/memory'
import { deferred } from './support/deferred.ts'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const pair = { key: serdes.string, value: serdes.string }
const seen = inMemory.keyValueStore({ name: 'seen', ...pair })
type Context = ProcessorContext<string, string>

/** What a processor can do that has an effect. */
const effects: Readonly<Record<string, (context: Context) => unknown>> = {
  forward: (context) => context.forward({ key: 'zombie', value: 'zombie', timestamp: 0 }),
  forwardBatch: (context) => context.forwardBatch({ keys: ['zombie'], values: ['zombie'] }),
  get: (context) => context.store(seen).get('zombie'),
  set: (context) => context.store(seen).set('zombie', 'zombie'),
  setBatch: (context) => context.store(seen).setBatch([['zombie', 'zombie']]),
  delete: (context) => context.store(seen).delete('zombie'),
  getBatch: (context) => context.store(seen).getBatch(['zombie']),
  updateBatch: (context) => context.store(seen).updateBatch(['zombie'], () => 'zombie'),
  deleteBatch: (context) => context.store(seen).deleteBatch(['zombie']),
  all: (context) => context.store(seen).all().next(),
  range: (context) => context.store(seen).range({}).next(),
  rangePages: (context) => context.store(seen).rangePages({}),
  prefixScan: (context) => context.store(seen).prefixScan(Buffer.from('z')).next(),
  prefixPages: (context) => context.store(seen).prefixPages(Buffer.from('z')),
  approximateSize: (context) => context.store(seen).approximateSize(),
  schedule: (context) => context.schedule(1, 'wall-clock', () => context.forward({ key: 'zombie', value: 'zombie', timestamp: 0 })),
}

describe('no-zombie', () => {
  test.each(['revoked', 'lost'] as const)(
    'a pass that is still under way when its partition was %s has no effect any more: whatever it tries is refused',
    async (how) => {
      await using folder = await temporaryFolder()
      const members: string[] = []
      const transport = memory({
        faults: {
          before: (operation) => {
            if (operation.type === 'open-source' && operation.groupId !== undefined) members.push(operation.clientId)
          },
        },
      })
      await using log = await LogClient.open(transport)
      await log.createTopics({ in: 2, out: 2 })
      const gate = deferred()
      const entered = deferred()
      const ended = deferred()
      /** What was refused, by task. */
      const outcomes = new Map<string, Map<string, unknown>>()
      let inside = 0
      const open = (name: string, work: (context: Context) => Promise<void>) => {
        const builder = new TopologyBuilder('zombie')
        builder
          .source('in', { topics: ['in'], ...pair })
          .process<string, string>(
            'work',
            async (record, context) => {
              await work(context)
              context.forward({ ...record, value: `${record.value} by ${name}` })
            },
            { stores: [seen] },
          )
          .sink('out', { topic: 'out', ...pair, partitioner: ({ partition }) => partition })
        return start(
          defineApp({
            topology: builder.build(),
            applicationId: 'zombie',
            transport,
            stateDir: folder.path,
            logger: silentLogger,
            batch: { size: 10, timeoutMs: 1 },
            revokeTimeoutMs: 50,
          }),
        )
      }
      const tried = new Set<string>()
      const first = await open('first', async (context) => {
        if (tried.has(context.taskId)) return
        tried.add(context.taskId)
        if (++inside === 2) entered.resolve()
        await gate.promise
        for (const [name, effect] of Object.entries(effects)) {
          try {
            await effect(context)
          } catch (error) {
            const refused = outcomes.get(context.taskId) ?? new Map<string, unknown>()
            outcomes.set(context.taskId, refused.set(name, error))
          }
        }
        if (--inside === 0) ended.resolve()
      })
      for (const partition of [0, 1]) await log.write('in', pair, [{ key: `k${partition}`, value: 'done', partition }])
      const firstRun = first.run()
      await entered.promise
      const second = await open('second', async () => undefined)
      const secondRun = second.run()
      // The second member gets one partition, or both.
      if (how === 'lost') transport.expelMember('zombie', members[0] as string)
      while ((await log.readAll('out', pair)).length === 0) await pause(10)
      gate.resolve()
      await ended.promise
      await second.caughtUp()
      await Promise.all([first.close(), second.close()])
      await Promise.all([firstRun, secondRun])
      expect(outcomes.size).toBeGreaterThan(0)
      for (const refused of outcomes.values()) {
        expect([...refused.keys()]).toEqual(Object.keys(effects))
        expect([...refused.values()].filter((error) => !(error instanceof TaskClosedError))).toEqual([])
      }
      // Of the partitions that were taken from the first member there is what the second one wrote, and nothing else.
      const out = await log.readAll('out', pair)
      for (const task of outcomes.keys()) {
        const partition = Number(task.slice(2))
        expect(out.filter((record) => record.partition === partition).map(({ value }) => value)).toEqual(['done by second'])
      }
    },
  )
})

import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { BatchCountAggregator, defineApp, serdes, silentLogger, start, TopologyBuilder, type Transport } from 'millrace'
import { inMemory, memory } from 'millrace/memory'
import { deferred } from './support/deferred.ts'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { transportThatWaits } from './support/transport-with.ts'

const applicationId = 'zombie'
const changelog = 'zombie-counts-changelog'
const input = { key: serdes.string, value: serdes.string }
const output = { key: serdes.string, value: serdes.safeInt64 }
const counts = inMemory.keyValueStore({ name: 'counts', ...output })

function countTopology() {
  const builder = new TopologyBuilder('zombie')
  builder
    .source('in', { topics: ['in'], ...input })
    .process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
    .sink('out', { topic: 'out', ...output, partitioner: ({ partition }) => partition })
  return builder.build()
}

/** A transport whose writers stand still at the first record for `out`, until they are let go. */
function stuckAtOutput(transport: Transport) {
  const gate = deferred()
  const stuck = deferred()
  const wrapped = transportThatWaits(transport, ({ topic }) => {
    if (topic !== 'out') return undefined
    stuck.resolve()
    return gate.promise
  })
  return { wrapped, stuck: stuck.promise, letGo: gate.resolve }
}

async function setUp(partitions: number) {
  const transport = memory()
  const folder = await temporaryFolder()
  const log = await LogClient.open(transport)
  await log.createTopics({ in: partitions, out: partitions })
  const open = (over: Transport, revokeTimeoutMs?: number) =>
    start(
      defineApp({
        topology: countTopology(),
        applicationId,
        transport: over,
        stateDir: folder.path,
        logger: silentLogger,
        batch: { size: 100, timeoutMs: 0 },
        commit: { intervalMs: 3_600_000 },
        revokeTimeoutMs,
      }),
    )
  /** One record in each partition, so often. */
  const send = (times: number) =>
    log.write(
      'in',
      input,
      Array.from({ length: partitions * times }, (_, i) => ({ key: `k${i % partitions}`, value: 'v', partition: i % partitions })),
    )
  const expectCounted = async (total: number) => {
    const all = { begin: await log.committed(applicationId, 'in'), changes: await log.readAll(changelog, output) }
    expect(all.begin).toEqual(new Array(partitions).fill(total))
    for (let partition = 0; partition < partitions; partition++) {
      const values = all.changes.filter(({ key }) => key === `k${partition}`).map(({ value }) => value)
      expect(values).toEqual(values.toSorted((a, b) => a - b))
      expect(values.at(-1)).toBe(total)
    }
  }
  return {
    transport,
    log,
    open,
    send,
    expectCounted,
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

describe('no-zombie, in a commit that something holds up', () => {
  test('when a partition is revoked meanwhile, and the revoke does not wait any longer, neither state nor offsets are set back', async () => {
    await using run = await setUp(2)
    const { wrapped, stuck, letGo } = stuckAtOutput(run.transport)
    await using first = await run.open(wrapped, 50)
    const firstRun = first.run()
    firstRun.catch(() => undefined)
    await run.send(1)
    await stuck
    await first.idle()
    const commit = first.commit().catch(() => undefined)

    await using second = await run.open(run.transport, 50)
    void second.run()
    await second.idle()
    await run.send(4)
    const ofSecond = async () => (await run.log.readAll('out', output)).some(({ value }) => value === 5)
    while (!(await ofSecond())) await pause(5)
    await second.commit()

    letGo()
    await commit
    await Promise.all([first.caughtUp(), second.caughtUp()])
    await run.expectCounted(5)
    // Nothing went out for the partition that was given up, after the other member had it.
    const out = await run.log.readAll('out', output)
    const moved = out.find(({ value }) => value === 5)?.partition
    expect(out.filter(({ partition }) => partition === moved).map(({ value }) => value)).toEqual([1, 2, 3, 4, 5])
  })

  test('when a partition is lost meanwhile, counted by another member and assigned again, neither state nor offsets are set back', async () => {
    await using run = await setUp(1)
    const { wrapped, stuck, letGo } = stuckAtOutput(run.transport)
    const members: string[] = []
    const open = wrapped.openSource.bind(wrapped)
    await using first = await run.open({
      ...wrapped,
      openSource: (options, context) => {
        if (options.groupId !== undefined) members.push(options.clientId)
        return open(options, context)
      },
    })
    void first.run().catch(() => undefined)
    await run.send(1)
    await stuck
    await first.idle()
    const commit = first.commit().catch(() => undefined)
    {
      await using second = await run.open(run.transport)
      void second.run()
      run.transport.expelMember(applicationId, String(members[0]))
      await run.send(4)
      while ((await run.log.committed(applicationId, 'in'))[0] !== 5) {
        await second.commit()
        await pause(5)
      }
    }
    letGo()
    await commit
    await first.caughtUp()
    await run.expectCounted(5)
    await run.send(1)
    await first.caughtUp()
    await run.expectCounted(6)
  })
})

import { setImmediate } from 'node:timers/promises'
import { ManualClock, systemClock } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import {
  type AppDefinition,
  type Clock,
  defineApp,
  MillraceError,
  type RuntimeEvent,
  serdes,
  silentLogger,
  start,
  TopologyBuilder,
} from 'millrace'
import { memory, type MemoryFaults } from 'millrace/memory'
import { deferred } from './support/deferred.ts'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const pair = { key: serdes.string, value: serdes.int32 }
const group = 'recovers'

/** Copies a topic of two partitions. */
function copyTopology(init: () => void | Promise<void> = () => undefined, topic: string | RegExp = 'in') {
  const builder = new TopologyBuilder('copy')
  builder
    .source('in', { topics: [topic], ...pair })
    .process('copy', { create: () => ({ init, process: (record, context) => context.forward(record) }) })
    .sink('out', { topic: 'out', ...pair, partitioner: ({ partition }) => partition })
  return builder.build()
}

async function setUp(faults: MemoryFaults, overrides: Partial<AppDefinition> = {}) {
  const folder = await temporaryFolder()
  const transport = memory({ faults })
  const log = await LogClient.open(transport)
  await log.createTopics({ in: 2, out: 2 })
  const events: RuntimeEvent[] = []
  const definition = defineApp({
    topology: copyTopology(),
    applicationId: group,
    transport,
    stateDir: folder.path,
    logger: silentLogger,
    batch: { size: 10, timeoutMs: 1 },
    commit: { records: 20 },
    observer: (event) => events.push(event),
    ...overrides,
  })
  const send = (count: number, from = 0, topic = 'in') =>
    log.write(
      topic,
      pair,
      Array.from({ length: count }, (_, i) => ({ key: 'k', value: from + i, partition: i & 1 })),
    )
  const received = async () => new Set((await log.readAll('out', pair)).map(({ value }) => value))
  const dispose = async () => {
    await log[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  }
  return { definition, transport, events, log, send, received, [Symbol.asyncDispose]: dispose }
}

const numbers = (count: number) => new Set(Array.from({ length: count }, (_, i) => i))

/** Throws at the given calls (from 1) of one kind of operation of the application itself. */
function failAt(type: string, ...calls: readonly number[]): NonNullable<MemoryFaults['before']> {
  let seen = 0
  return (operation) => {
    if (operation.type === type && 'clientId' in operation && operation.clientId.startsWith(group) && calls.includes(++seen))
      throw new Error(`${type} failed`)
  }
}

describe('recovery', () => {
  test('after a record was not delivered, no later commit goes past it', async () => {
    await using app = await setUp({ before: failAt('deliver', 1, 7) })
    await app.send(400)
    const running = await start(app.definition)
    const run = running.run()
    await running.caughtUp()
    await running.close()
    await run
    expect(await app.received()).toEqual(numbers(400))
    expect(app.events.some(({ type }) => type === 'recover')).toBe(true)
  })

  test('begins with no task again before the group has said that its partitions are here still, however often it says that they are not', async () => {
    const failing = failAt('deliver', 7)
    const made: number[] = []
    await using app = await setUp({
      before: (operation) => {
        // More often than recoveries may fail in a row.
        if (operation.type !== 'commit' || made.length === 10) return failing(operation)
        if (!app.events.some(({ type }) => type === 'recover')) return
        made.push(app.events.filter(({ type }) => type === 'assigned').length)
        throw new MillraceError('COMMIT_REFUSED', 'not a member', { stage: 'commit' })
      },
    })
    await app.send(400)
    const running = await start(app.definition)
    const run = running.run()
    await running.caughtUp()
    await running.close()
    await run
    expect(made).toEqual(Array.from({ length: 10 }, () => 1))
    expect(app.events.filter(({ type }) => type === 'assigned')).toHaveLength(2)
    expect(await app.received()).toEqual(numbers(400))
  })

  test('that fails itself is tried again', async () => {
    const flush = failAt('flush', 3)
    const committed = failAt('committed', 2, 3)
    await using app = await setUp({
      before: (operation) => {
        void flush(operation)
        void committed(operation)
      },
    })
    await app.send(400)
    const running = await start(app.definition)
    const run = running.run()
    await running.caughtUp()
    await running.close()
    await run
    expect(await app.received()).toEqual(numbers(400))
    expect(app.events.filter(({ type }) => type === 'recover').length).toBeGreaterThan(1)
  })

  test('goes on reading a partition that was paused when it began', async () => {
    await using app = await setUp({ before: failAt('flush', 4) }, { buffer: { maxRecords: 40 } })
    await app.send(1_000)
    const running = await start(app.definition)
    const run = running.run()
    await running.caughtUp()
    await running.close()
    await run
    expect(await app.received()).toEqual(numbers(1_000))
  })

  test('follows when tasks that were given one more topic could not go on reading the others: they do in the end', async () => {
    let seeks = 0
    const before: NonNullable<MemoryFaults['before']> = ({ type }) => {
      if (type === 'seek' && ++seeks === 1) throw new MillraceError('KAFKA_ERROR', 'not fetching', { stage: 'source', retryable: true })
    }
    await using app = await setUp({ before }, { topology: copyTopology(undefined, /^in/) })
    await app.send(40)
    const running = await start(app.definition)
    const run = running.run()
    await running.caughtUp()
    await app.log.createTopics({ 'in-more': 2 })
    await app.send(20, 40)
    await app.send(40, 60, 'in-more')
    await running.caughtUp()
    await running.close()
    await run
    expect(await app.received()).toEqual(numbers(100))
    expect(seeks).toBeGreaterThan(1)
    expect(app.events.filter(({ type }) => type === 'recover')).toHaveLength(1)
  })

  test('that helps each time, of an application that never has anything to commit, does not end it', async () => {
    const everyMs = 300_000
    const clock = new ManualClock()
    const builder = new TopologyBuilder('ticks')
    builder
      .source('in', { topics: ['in'], ...pair })
      .process<string, number>('tick', {
        create: () => ({
          init: (context) => {
            context.schedule(everyMs, 'wall-clock', (timestamp) => context.forward({ key: 'k', value: 1, timestamp }))
          },
          process: () => undefined,
        }),
      })
      .sink('out', { topic: 'out', ...pair })
    const before: NonNullable<MemoryFaults['before']> = (operation) => {
      if (operation.type === 'write' && operation.topic === 'out')
        throw new MillraceError('BROKER_UNREACHABLE', 'nobody answers', { stage: 'sink', retryable: true })
    }
    await using app = await setUp({ before }, { topology: builder.build(), clock, commit: { intervalMs: 20_000 } })
    const running = await start(app.definition)
    const run = running.run()
    run.catch(() => undefined)
    await running.idle()
    const recoveries = async () => {
      await clock.advance(1_000, () => setImmediate())
      return [app.events.filter(({ type }) => type === 'recover').length, running.state]
    }
    for (let time = 1; time <= 8; time++) {
      await clock.advance(everyMs, () => setImmediate())
      await expect.poll(recoveries).toEqual([time, 'running'])
    }
    await running.close()
    await run
  })

  test('of a commit that hangs is not made again when that ends after all', async () => {
    /** Limits are reached a hundred times sooner. */
    const hasty: Clock = { ...systemClock, after: (delayMs, callback) => systemClock.after(delayMs / 100, callback) }
    const [committing, gate] = [deferred(), deferred()]
    let member = ''
    let flushes = 0
    let writers = 0
    const before: NonNullable<MemoryFaults['before']> = async (operation) => {
      if (operation.type === 'open-source' && operation.groupId !== undefined) member = operation.clientId
      if (operation.type !== 'flush' || !operation.clientId.startsWith(group) || ++flushes > 1) return
      committing.resolve()
      await gate.promise
      throw new Error('too late')
    }
    const after: NonNullable<MemoryFaults['after']> = (operation) => {
      if (operation.type === 'open-writer' && operation.clientId.startsWith(group)) writers++
    }
    await using app = await setUp({ before, after }, { clock: hasty, revokeTimeoutMs: 140_000 })
    await app.send(20)
    const running = await start(app.definition)
    const run = running.run()
    await committing.promise
    app.transport.expelMember(group, member)
    await expect.poll(() => writers).toBe(2)
    gate.resolve()
    await app.send(20, 20)
    await running.caughtUp()
    await running.close()
    await run
    expect(await app.received()).toEqual(numbers(40))
    expect(app.events.filter(({ type }) => type === 'recover')).toHaveLength(1)
  })

  test('that never helps ends: the application stops with the reason', async () => {
    await using app = await setUp(
      {
        before: (operation) => {
          if (operation.type === 'deliver' && operation.topic === 'out') throw new Error('the topic is full')
        },
      },
      { commit: { intervalMs: 20 } },
    )
    await app.send(10)
    const running = await start(app.definition)
    await expect(running.run()).rejects.toMatchObject({
      code: 'DELIVERY_FAILED',
      message: expect.stringContaining('the topic is full') as string,
    })
    expect(running.state).toBe('error')
    expect(app.events.filter(({ type }) => type === 'recover')).toHaveLength(6)
    const aborts = app.events.flatMap((event) => (event.type === 'abort' ? event.processingGuarantee : []))
    expect(aborts).toEqual(Array.from({ length: 7 }, () => 'at-least-once'))
  }, 20_000)
})

describe('drain', () => {
  test('commits nothing of what arrives while it waits', async () => {
    let initialised = 0
    const slow = async () => {
      if (initialised++ > 0) for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await using app = await setUp({}, { topology: copyTopology(slow) })
    await app.send(20)
    const running = await start(app.definition)
    const run = running.run()
    while (!app.events.some(({ type }) => type === 'cut')) await setImmediate()
    const closing = running.close()
    await app.send(40, 20)
    await closing
    await run
    const again = await start({ ...app.definition, topology: copyTopology() })
    const secondRun = again.run()
    await again.caughtUp()
    await again.close()
    await secondRun
    expect(await app.received()).toEqual(numbers(60))
  })

  test('while the application is still connecting leaves no member behind', async () => {
    let opening: () => void = () => undefined
    const opened = new Promise<void>((resolve) => {
      opening = resolve
    })
    await using app = await setUp({
      after: async (operation) => {
        if (operation.type !== 'open-source' || operation.groupId === undefined) return
        opening()
        for (let turn = 0; turn < 50; turn++) await setImmediate()
      },
    })
    const first = await start(app.definition)
    const firstRun = first.run()
    await opened
    await first.close()
    await firstRun
    expect(first.state).toBe('not-running')
    await app.send(10)
    const second = await start(app.definition)
    const secondRun = second.run()
    await second.caughtUp()
    await second.close()
    await secondRun
    expect(await app.received()).toEqual(numbers(10))
  })

  test('right after the partitions were lost in a commit is no failure: they are for others to go on with', async () => {
    const committing = deferred()
    const gate = deferred()
    let member = ''
    await using app = await setUp({
      before: async (operation) => {
        if (operation.type === 'open-source' && operation.groupId !== undefined) member = operation.clientId
        if (operation.type !== 'commit' || !app.events.some(({ type }) => type === 'cut')) return
        committing.resolve()
        await gate.promise
      },
    })
    await app.send(20)
    const running = await start(app.definition)
    const run = running.run()
    await committing.promise
    app.transport.expelMember(group, member)
    while (!app.events.some(({ type }) => type === 'recover')) await setImmediate()
    gate.resolve()
    await running.close()
    await run
    expect(running.state).toBe('not-running')
    const again = await start(app.definition)
    const secondRun = again.run()
    await again.caughtUp()
    await again.close()
    await secondRun
    expect(await app.received()).toEqual(numbers(20))
  })
})

import { describe, expect, test } from 'vitest'
import { type AppDefinition, type Clock, defineApp, MillraceError, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { memory, type MemoryOperation } from 'millrace/memory'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const pair = { key: serdes.string, value: serdes.int32 }
const applicationId = 'stops'

/** Limits are reached a hundred times sooner. */
const hasty: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs / 100)
    return () => clearTimeout(timer)
  },
}

function copyTopology(init: () => void | Promise<void> = () => undefined) {
  const builder = new TopologyBuilder('copy')
  builder
    .source('in', { topics: ['in'], ...pair })
    .process<string, number>('copy', {
      create: () => ({ init, process: (record, context) => context.forward(record) }),
    })
    .sink('out', { topic: 'out', ...pair })
  return builder.build()
}

/** A log with faults that can be set while an application runs. */
async function setUp() {
  const folder = await temporaryFolder()
  let fault: (operation: MemoryOperation) => void | Promise<void> = () => undefined
  const transport = memory({ faults: { before: (operation) => fault(operation) } })
  const log = await LogClient.open(transport)
  await log.createTopics({ in: 1, out: 1 })
  return {
    log,
    open: (overrides: Partial<AppDefinition> = {}) =>
      start(
        defineApp({
          topology: copyTopology(),
          applicationId,
          transport,
          stateDir: folder.path,
          logger: silentLogger,
          batch: { size: 1, timeoutMs: 0 },
          commit: { intervalMs: 3_600_000 },
          ...overrides,
        }),
      ),
    fails: (when: typeof fault) => {
      fault = when
    },
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

const never = () => new Promise<void>(() => undefined)

describe('a shutdown whose last commit', () => {
  test('fails rejects, and lets go of everything: the next member has the partition, and processes again what was not committed', async () => {
    await using run = await setUp()
    const app = await run.open()
    const running = app.run()
    await app.idle()
    await run.log.write('in', pair, [{ key: 'k', value: 1 }])
    await expect.poll(async () => (await run.log.readAll('out', pair)).length).toBe(1)
    run.fails(({ type }) => {
      if (type === 'flush') throw new MillraceError('BROKER_UNREACHABLE', 'nobody answers', { stage: 'sink', retryable: true })
    })
    await expect(app.close()).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' })
    await expect(running).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' })
    expect(app.state).toBe('error')
    run.fails(() => undefined)
    await using next = await run.open()
    const nextRunning = next.run()
    await next.caughtUp()
    await next.close()
    await nextRunning
    expect(await run.log.committed(applicationId, 'in')).toEqual([1])
    expect((await run.log.readAll('out', pair)).map(({ value }) => value)).toEqual([1, 1])
  })

  test('is never confirmed ends when its time is over, and says what will be processed again', async () => {
    await using run = await setUp()
    const app = await run.open({ clock: hasty })
    const running = app.run()
    await app.idle()
    await run.log.write('in', pair, [{ key: 'k', value: 1 }])
    await expect.poll(async () => (await run.log.readAll('out', pair)).length).toBe(1)
    run.fails(({ type }) => (type === 'flush' ? never() : undefined))
    await expect(app.close()).rejects.toThrow('will be processed again')
    await expect(running).rejects.toMatchObject({ code: 'TIMED_OUT' })
    run.fails(() => undefined)
    expect(await run.log.committed(applicationId, 'in')).toEqual([0])
  })
})

describe('a shutdown before anything was begun', () => {
  const unreachable = new MillraceError('BROKER_UNREACHABLE', 'no broker', { stage: 'source', retryable: true })
  const refused = new MillraceError('KAFKA_AUTHENTICATION', 'no password', { stage: 'source' })

  async function closedWhileOpening(type: MemoryOperation['type'], error: MillraceError) {
    await using run = await setUp()
    let asking: () => void = () => undefined
    const opening = new Promise<void>((resolve) => {
      asking = resolve
    })
    let fail: () => void = () => undefined
    const app = await run.open()
    run.fails((operation) => {
      if (operation.type !== type) return undefined
      asking()
      return new Promise<void>((_, reject) => {
        fail = () => reject(error)
      })
    })
    const running = app.run()
    await opening
    const closing = app.close()
    fail()
    const ends = await Promise.allSettled([closing, running])
    return { state: app.state, ends }
  }

  test.each(['open-source', 'open-writer'] as const)('because of brokers that are away (%s) is as good as any', async (type) => {
    const { state, ends } = await closedWhileOpening(type, unreachable)
    expect(ends).toEqual([
      { status: 'fulfilled', value: undefined },
      { status: 'fulfilled', value: undefined },
    ])
    expect(state).toBe('not-running')
  })

  test('because of what will not pass says so', async () => {
    const { state, ends } = await closedWhileOpening('open-source', refused)
    expect(ends).toEqual([
      { status: 'rejected', reason: refused },
      { status: 'rejected', reason: refused },
    ])
    expect(state).toBe('error')
  })
})

describe('a shutdown while tasks are begun', () => {
  test('does not wait for ever for a processor whose init never ends', async () => {
    await using run = await setUp()
    let begun: () => void = () => undefined
    const initialising = new Promise<void>((resolve) => {
      begun = resolve
    })
    const topology = copyTopology(() => {
      begun()
      return never()
    })
    const app = await run.open({ topology, clock: hasty })
    const running = app.run()
    await initialising
    await app.close()
    await running
    expect(app.state).toBe('not-running')
  })

  test('is not failed by what could not be begun any more', async () => {
    await using run = await setUp()
    let asking: () => void = () => undefined
    const beginning = new Promise<void>((resolve) => {
      asking = resolve
    })
    let fail: (error: Error) => void = () => undefined
    let letGo: () => void = () => undefined
    run.fails(({ type }) => {
      // Where reading begins.
      if (type === 'commit') {
        asking()
        return new Promise<void>((_, reject) => {
          fail = reject
        })
      }
      // Holds the shutdown up for as long as it matters.
      if (type === 'poll') {
        return new Promise<void>((resolve) => {
          letGo = resolve
        })
      }
      return undefined
    })
    const told: string[] = []
    const tell = (_fields: object, message: string) => {
      told.push(message)
      letGo()
    }
    const app = await run.open({ clock: hasty, logger: { ...silentLogger, debug: tell, error: tell } })
    const running = app.run()
    await beginning
    const closing = app.close()
    fail(new MillraceError('CLOSED', 'The source has been closed.', { stage: 'commit' }))
    await closing
    await running
    expect(told).toEqual(['tasks could not be started'])
  })

  test.each([
    ['does not wait for what brokers are still asked about them', undefined],
    ['is not failed by what they can not answer any more', 'nobody answers'],
  ])('%s', async (_, failure) => {
    await using run = await setUp()
    let asking: () => void = () => undefined
    const asked = new Promise<void>((resolve) => {
      asking = resolve
    })
    let fail: (error: Error) => void = () => undefined
    run.fails(({ type }) => {
      if (type !== 'committed') return undefined
      asking()
      return new Promise<void>((_resolve, reject) => {
        fail = reject
      })
    })
    const app = await run.open()
    const running = app.run()
    await asked
    const closing = app.close()
    if (failure !== undefined) fail(new MillraceError('BROKER_UNREACHABLE', failure, { stage: 'commit', retryable: true }))
    await closing
    await running
    expect(app.state).toBe('not-running')
  })

  test('tries no more what fails and might pass', async () => {
    await using run = await setUp()
    let asked = 0
    let asking: () => void = () => undefined
    const first = new Promise<void>((resolve) => {
      asking = resolve
    })
    run.fails(({ type }) => {
      if (type !== 'committed') return
      asked++
      asking()
      throw new MillraceError('BROKER_UNREACHABLE', 'nobody answers', { stage: 'commit', retryable: true })
    })
    const app = await run.open()
    const running = app.run()
    await first
    await app.close()
    await running
    expect(asked).toBeLessThan(3)
  })
})

describe('a shutdown at its end', () => {
  test('does not wait for ever for a processor whose close never ends', async () => {
    await using run = await setUp()
    const builder = new TopologyBuilder('copy')
    builder
      .source('in', { topics: ['in'], ...pair })
      .process<string, number>('copy', { create: () => ({ close: never, process: (record, context) => context.forward(record) }) })
      .sink('out', { topic: 'out', ...pair })
    const told: string[] = []
    const logger = { ...silentLogger, warn: (_fields: object, message: string) => told.push(message) }
    const app = await run.open({ topology: builder.build(), clock: hasty, logger })
    const running = app.run()
    await app.idle()
    await run.log.write('in', pair, [{ key: 'k', value: 1 }])
    await app.caughtUp()
    await app.close()
    await running
    expect(told).toEqual(['the processors of a task did not close in time'])
  })
})

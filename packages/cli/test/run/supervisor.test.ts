import { HEALTHY_MS, ManualClock } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { type InstanceEnd, NOT_STARTABLE, Supervisor, type SupervisorEvent } from '../../src/run/supervisor.ts'

/** Processes that end when the test says so. */
class FakeInstances {
  readonly clock = new ManualClock()
  readonly events: SupervisorEvent[] = []
  readonly told: string[] = []
  readonly stop = new AbortController()
  readonly #ends = new Map<number, (end: InstanceEnd) => void>()

  supervise({ instances = 1, maxRestarts = 10 } = {}) {
    const supervisor = new Supervisor({
      instances,
      maxRestarts,
      clock: this.clock,
      tell: (event) => this.events.push(event),
      start: (instance) => ({
        pid: instance * 100,
        ended: new Promise((resolve) => this.#ends.set(instance, resolve)),
        drain: () => this.told.push(`drain ${instance}`),
        kill: () => this.told.push(`kill ${instance}`),
      }),
    })
    return { supervisor, ended: supervisor.run(this.stop.signal) }
  }

  async end(instance: number, code: number | null, signal: string | null = null) {
    this.#ends.get(instance)?.({ code, signal })
    await settled()
  }

  get started() {
    return this.events.filter(({ event }) => event === 'started').length
  }

  get waits() {
    return this.events.flatMap((one) => (one.event === 'restarting' ? [one.inMs] : []))
  }
}

/** Lets everything happen that waits for nothing. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('all instances are started, drained when told to stop, and the exit code is 0 when all did', async () => {
  const fake = new FakeInstances()
  const { ended } = fake.supervise({ instances: 2 })
  expect(fake.started).toBe(2)

  fake.stop.abort()
  expect(fake.told).toEqual(['drain 1', 'drain 2'])
  await fake.end(1, 0)
  await fake.end(2, 0)

  expect(await ended).toBe(0)
})

test('what does not drain well makes the exit code 1', async () => {
  const fake = new FakeInstances()
  const { ended } = fake.supervise({ instances: 2 })
  fake.stop.abort()
  await fake.end(1, 0)
  await fake.end(2, 1)

  expect(await ended).toBe(1)
})

test('an instance that dies is started again, each time after twice as long, up to half a minute', async () => {
  const fake = new FakeInstances()
  const { ended } = fake.supervise({ maxRestarts: 7 })
  for (let i = 0; i < 7; i++) {
    await fake.end(1, null, 'SIGKILL')
    const before = fake.started
    await fake.clock.advance((fake.waits[i] ?? 0) - 1)
    await settled()
    expect(fake.started).toBe(before)
    await fake.clock.advance(1)
    await settled()
    expect(fake.started).toBe(before + 1)
  }
  await fake.end(1, 1)

  expect(fake.waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  expect(fake.events.at(-1)).toEqual({ event: 'given-up', instance: 1, restarts: 7 })
  expect(await ended).toBe(1)
})

test('an instance that ran for a minute begins its restarts anew', async () => {
  const fake = new FakeInstances()
  fake.supervise({ maxRestarts: 1 })
  for (let i = 0; i < 3; i++) {
    await fake.clock.advance(HEALTHY_MS)
    await fake.end(1, 1)
    await fake.clock.advance(1_000)
    await settled()
  }

  expect(fake.waits).toEqual([1_000, 1_000, 1_000])
  expect(fake.started).toBe(4)
})

describe('an instance that can never start', () => {
  test.each([
    [2, 2],
    [NOT_STARTABLE, 1],
  ])('with %d ends the others, too, and the exit code is %d', async (code, expected) => {
    const fake = new FakeInstances()
    const { ended } = fake.supervise({ instances: 2 })
    await fake.end(1, code)
    expect(fake.told).toEqual(['drain 2'])
    await fake.end(2, 0)

    expect(await ended).toBe(expected)
    expect(fake.started).toBe(2)
  })
})

test('an instance that ends by itself is not started again', async () => {
  const fake = new FakeInstances()
  const { ended } = fake.supervise()
  await fake.end(1, 0)

  expect(await ended).toBe(0)
  expect(fake.started).toBe(1)
})

test('whoever stops while an instance waits for its restart is not kept waiting', async () => {
  const fake = new FakeInstances()
  const { ended } = fake.supervise()
  await fake.end(1, 1)
  fake.stop.abort()

  expect(await ended).toBe(1)
  expect(fake.started).toBe(1)
})

test('a kill reaches all that run', async () => {
  const fake = new FakeInstances()
  const { supervisor } = fake.supervise({ instances: 2 })
  supervisor.kill()

  expect(fake.told).toEqual(['kill 1', 'kill 2'])
})

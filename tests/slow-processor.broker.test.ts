import { setTimeout as pause } from 'node:timers/promises'
import { kafka } from 'millrace/kafka'
import { describe, expect, inject, test } from 'vitest'
import { BatchingRun } from './support/batching-run.ts'
import { deferred } from './support/deferred.ts'

/** After which the group puts a member out that sends no heartbeats, or does not ask for records. */
const LIMIT_MS = Math.max(6_000, inject('kafkaSessionTimeoutMs'))
/** Room for records, over all partitions; one poll hands out half of it at most. */
const ROOM = 200
/** Nothing takes so long unless it hangs. */
const soon = { timeout: 45_000 }
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value)

const transport = kafka({
  brokers: inject('kafkaBrokers'),
  consumer: { 'session.timeout.ms': LIMIT_MS, 'max.poll.interval.ms': LIMIT_MS, 'heartbeat.interval.ms': 300 },
})
const overrides = { buffer: { maxRecords: ROOM }, revokeTimeoutMs: LIMIT_MS / 3 }
const batch = { size: 50, timeoutMs: 20 }

describe('a processor that takes longer than max.poll.interval.ms for one batch', () => {
  test('keeps its place in the group while nothing is read, and goes on as if nothing had been', async () => {
    const gate = deferred()
    await using run = await BatchingRun.start(transport, batch, { overrides, work: () => gate.promise })
    await run.write(times(3_000, 100))
    await expect.poll(() => run.polled, soon).toBeGreaterThanOrEqual(ROOM)
    await pause(2.5 * LIMIT_MS)
    // Room, and one poll that was asked for while there was some.
    expect(run.polled).toBeLessThanOrEqual(ROOM + ROOM / 2)
    expect(run.cuts).toEqual([])
    gate.resolve()
    await run.app.caughtUp()
    // A pause would have cost what was read ahead, and has no use where nobody else waits.
    expect(run.holds).toEqual([])
    expect(run.assignments).toEqual(['assigned 0_0'])
    expect(await run.committed()).toEqual([3_000])
    expect(await run.copies()).toEqual(run.originals)
  })

  test('holds up its own partition, which is paused once, and no other', async () => {
    const gate = deferred()
    const work = ({ partition }: { readonly partition: number }) => (partition === 0 ? gate.promise : undefined)
    await using run = await BatchingRun.start(transport, batch, { partitions: 2, overrides, work })
    await run.write(times(2_000, 100), 0)
    await expect.poll(() => run.holds, soon).toEqual(['pause 0'])
    const began = performance.now()
    for (let writes = 1; writes <= 10 || performance.now() < began + 2 * LIMIT_MS; writes++) {
      await run.write(times(30, 100), 1)
      await expect.poll(() => run.recordsCut, soon).toBe(30 * writes)
      await pause(LIMIT_MS / 10)
    }
    await run.app.commit()
    expect(await run.committed()).toEqual([0, run.written[1]?.length])
    expect(run.holds).toEqual(['pause 0'])
    gate.resolve()
    await run.app.caughtUp()
    expect(run.assignments.toSorted()).toEqual(['assigned 0_0', 'assigned 0_1'])
    expect(await run.committed()).toEqual(run.written.map(({ length }) => length))
    expect(await run.copies()).toEqual(run.originals)
    // Paused at its share of the room, which is half, and resumed at a half of that: so many records lie between the two, each time.
    await expect.poll(() => run.holds.at(-1), soon).toBe('resume 0')
    const { holds } = run
    expect(holds).toEqual(holds.map((_, i) => (i % 2 === 0 ? 'pause 0' : 'resume 0')))
    expect(holds.length / 2).toBeLessThanOrEqual(1 + 2_000 / (ROOM / 4))
  })
})

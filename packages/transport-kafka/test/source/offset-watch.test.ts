import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ClientError } from '../../src/client/client-error.ts'
import type { ConsumerClient, OffsetRange } from '../../src/client/kafka-client.ts'
import { OffsetWatch } from '../../src/source/offset-watch.ts'
import type { Pump } from '../../src/source/pump.ts'
import { ReadPartitions, startAt } from '../../src/source/read-partition.ts'

const at = { topic: 't', partition: 0 }
const timedOut = new ClientError('nobody there', { kind: 'timed-out', code: -185 })

function open() {
  const partitions = new ReadPartitions()
  const read = partitions.add(at)
  startAt(read, 3)
  const seeks: number[] = []
  const restarts: number[] = []
  const rebalances = { idle: true, answered: () => Promise.resolve() }
  const failures: unknown[] = []
  const answers: (() => Promise<readonly OffsetRange[]>)[] = []
  let failing = 0
  const client = {
    offsetRanges: () => answers.shift()?.() ?? Promise.resolve([{ ...at, from: 0, to: 3 }]),
    seek: async ({ offset }: { readonly offset: number }) => {
      seeks.push(offset)
      if (failing-- > 0) throw timedOut
    },
  }
  const watch = new OffsetWatch({
    client: client as unknown as ConsumerClient,
    groupId: 'g',
    partitions,
    pump: { exclusively: (action: () => unknown) => action() } as unknown as Pump,
    rebalances,
    restart: ({ position }) => void restarts.push(position),
    onFound() {},
    onFailure: (error) => void failures.push(error),
  })
  const pass = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms)
    watch.tick()
    await vi.advanceTimersByTimeAsync(0)
  }
  return {
    watch,
    partitions,
    read,
    seeks,
    restarts,
    rebalances,
    failures,
    answers,
    pass,
    failSeeks: (count: number) => void (failing = count),
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('an end that may have been forgotten', () => {
  test('is asked for again soon, until a seek has succeeded', async () => {
    const { watch, read, seeks, pass, failSeeks } = open()
    watch.missed()
    failSeeks(2)
    for (let i = 0; i < 3; i++) await pass(6_000)
    expect(seeks).toEqual([3, 3, 3])
    expect(read.unsure).toBe(false)
    await pass(60_000)
    expect(seeks).toHaveLength(3)
  })

  test('is asked for again of who is at an end, which may have moved past records that are hidden', async () => {
    const { watch, read, seeks, pass } = open()
    read.atEnd = true
    await pass(6_000)
    expect(seeks).toEqual([])
    watch.missed()
    await pass(6_000)
    expect(seeks).toEqual([3])
  })
})

describe('an error about a position', () => {
  test('that nothing is found out about is told', async () => {
    const { watch, failures, answers } = open()
    answers.push(() => Promise.reject(timedOut))
    watch.suspect(timedOut)
    await vi.advanceTimersByTimeAsync(0)
    expect(failures).toMatchObject([{ code: 'TIMED_OUT', retryable: true }])
  })

  test('though all are there is told, since some partition has stopped', async () => {
    const { watch, restarts, failures } = open()
    watch.suspect(timedOut)
    await vi.advanceTimersByTimeAsync(0)
    expect(failures).toMatchObject([{ code: 'TIMED_OUT' }])
    expect(restarts).toEqual([])
  })

  test.for(['before it came', 'while it came', 'while it was looked into'])(
    'about a partition that was given up %s harms no other: they are read on, once no rebalance waits for its answer',
    async (when) => {
      const { watch, partitions, restarts, rebalances, failures } = open()
      const gone = partitions.add({ topic: 't', partition: 1 })
      startAt(gone, 9)
      if (when === 'before it came') partitions.remove([gone])
      gone.leaving = when === 'while it came'
      let answer = () => {}
      rebalances.idle = false
      rebalances.answered = () => new Promise<void>((resolve) => (answer = resolve))
      watch.suspect(timedOut)
      partitions.remove([gone])
      await vi.advanceTimersByTimeAsync(0)
      expect(restarts).toEqual([])
      rebalances.idle = true
      answer()
      await vi.advanceTimersByTimeAsync(0)
      expect(restarts).toEqual([3])
      expect(failures).toEqual([])
    },
  )

  test('of which the client says where it is stops that partition by its name, also within range and behind a rebalance', async () => {
    const { watch, partitions, read, restarts, failures } = open()
    partitions.trailing = true
    read.paused = false
    const details = { kind: 'offset-out-of-range', code: 0, partition: at } as const
    watch.suspect(new ClientError('its records were replaced', details))
    await vi.advanceTimersByTimeAsync(0)
    expect(() => watch.throwLost()).toThrow("Offset 3 of t-0 can't be read on from: the partition holds 0 to 3. its records were replaced.")
    expect({ restarts, failures }).toEqual({ restarts: [], failures: [] })
  })

  test('of which the client says where it is stops that partition also when no broker tells what it holds', async () => {
    const { watch, read, failures, answers } = open()
    read.paused = false
    answers.push(() => Promise.reject(timedOut))
    watch.suspect(new ClientError('its records were replaced', { kind: 'offset-out-of-range', code: 0, partition: at }))
    await vi.advanceTimersByTimeAsync(0)
    expect(() => watch.throwLost()).toThrow("Offset 3 of t-0 can't be read on from. its records were replaced.")
    expect(failures).toEqual([])
  })

  test('of a partition that is being given up concerns those who read it next', async () => {
    const { watch, read, failures } = open()
    read.leaving = true
    watch.suspect(new ClientError('replaced', { kind: 'offset-out-of-range', code: 0, partition: at }))
    watch.suspect(new ClientError('replaced', { kind: 'offset-out-of-range', code: 0, partition: { topic: 'other', partition: 0 } }))
    await vi.advanceTimersByTimeAsync(0)
    expect({ lost: read.lost, failures }).toEqual({ lost: undefined, failures: [] })
  })

  test('concerns nobody any more once the source is closed', async () => {
    const { watch, read, failures, answers } = open()
    answers.push(() => Promise.reject(timedOut))
    answers.push(() => Promise.resolve([{ ...at, from: 7, to: 9 }]))
    for (let i = 0; i < 2; i++) {
      watch.suspect(timedOut)
      watch.end()
      await vi.advanceTimersByTimeAsync(0)
    }
    expect(failures).toEqual([])
    expect(read.lost).toBeUndefined()
  })
})

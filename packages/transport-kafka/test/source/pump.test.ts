import { type TopicPartition, viewColumn, type WireBatch } from '@millrace/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ConsumerClient, Fetched } from '../../src/client/kafka-client.ts'
import { Pump } from '../../src/source/pump.ts'
import { ReadPartitions, startAt } from '../../src/source/read-partition.ts'
import { Shelf } from '../../src/source/shelf.ts'

const MAX_RECORDS = 10

/** A client with endless records in each partition that is not paused; it notes what it is asked. */
class EndlessClient {
  bytes = Buffer.alloc(100)
  readonly fetches: number[] = []
  readonly calls: string[] = []
  readonly next = new Map<number, number>()
  readonly paused = new Set<number>()

  async fetch(maxRecords: number): Promise<Fetched> {
    this.fetches.push(maxRecords)
    const open = [...this.next.keys()].filter((partition) => !this.paused.has(partition))
    const batches: WireBatch[] = []
    for (const partition of open) batches.push(this.#batch(partition, Math.ceil(maxRecords / open.length)))
    return { batches, ends: [], records: batches.reduce((sum, { length }) => sum + length, 0) }
  }

  #batch(partition: number, length: number): WireBatch {
    const first = this.next.get(partition) ?? 0
    this.next.set(partition, first + length)
    const rows = viewColumn(Array.from({ length }, () => this.bytes))
    const offsets = Float64Array.from({ length }, (_, i) => first + i)
    return { topic: 't', partition, length, keys: rows, values: rows, timestamps: offsets, offsets, release() {} }
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { partition } of partitions) this.paused.add(partition)
    this.calls.push(`pause ${partitions.map(({ partition }) => partition).join()}`)
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const { partition } of partitions) this.paused.delete(partition)
    this.calls.push(`resume ${partitions.map(({ partition }) => partition).join()}`)
  }
}

function open(...numbers: readonly number[]) {
  const client = new EndlessClient()
  const partitions = new ReadPartitions()
  for (const partition of numbers) {
    const read = partitions.add({ topic: 't', partition })
    read.paused = false
    startAt(read, 0)
    client.next.set(partition, 0)
  }
  const shelf = new Shelf(partitions)
  let urgent = false
  const pump = new Pump({
    client: client as unknown as ConsumerClient,
    partitions,
    shelf,
    maxRecords: MAX_RECORDS,
    isUrgent: () => urgent,
    onFetched() {},
    onError(error) {
      throw error
    },
  })
  const read = (partition: number) => partitions.get({ topic: 't', partition })!
  const poll = async () => {
    if (!shelf.hasAny) await pump.look()
    const { batches } = shelf.take(MAX_RECORDS)
    pump.wake()
    return batches
  }
  return { client, partitions, pump, shelf, read, poll, setUrgent: (value: boolean) => void (urgent = value) }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

describe('fetching', () => {
  test('goes one fetch ahead of who polls, and no further', async () => {
    const { client, pump, shelf, poll } = open(0)
    pump.start()
    await vi.advanceTimersByTimeAsync(500)
    expect(client.fetches).toEqual([MAX_RECORDS])
    expect(await poll()).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(500)
    expect(client.fetches).toEqual([MAX_RECORDS, MAX_RECORDS])
    expect(shelf.hasAny).toBe(true)
    await pump.stop()
  })

  test('that has emptied the queue of the client ends what may come of partitions that were given up', async () => {
    const { client, partitions, pump, poll } = open(0, 1)
    partitions.remove([{ topic: 't', partition: 1 }])
    pump.start()
    await vi.advanceTimersByTimeAsync(500)
    expect(partitions.trailing).toBe(true)
    client.pause([
      { topic: 't', partition: 0 },
      { topic: 't', partition: 1 },
    ])
    await poll()
    await vi.advanceTimersByTimeAsync(500)
    expect(partitions.trailing).toBe(false)
    await pump.stop()
  })

  test('takes few large records at a time, and as many as ever when they are small again', async () => {
    const { client, pump, poll } = open(0)
    pump.start()
    client.bytes = Buffer.alloc(128 * 1024)
    await vi.advanceTimersByTimeAsync(500)
    await poll()
    await vi.advanceTimersByTimeAsync(500)
    client.bytes = Buffer.alloc(10)
    await poll()
    await vi.advanceTimersByTimeAsync(500)
    await poll()
    await vi.advanceTimersByTimeAsync(500)
    // A key and a value of an eighth of a MiB each: half a MiB is two records.
    expect(client.fetches).toEqual([MAX_RECORDS, 2, 2, MAX_RECORDS])
    await pump.stop()
  })

  test('asks a client that is quiet now and then, and at once when it says that it has something', async () => {
    const { client, pump } = open()
    pump.start()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(client.fetches.length).toBeGreaterThan(3)
    expect(client.fetches.length).toBeLessThan(10)
    const before = client.fetches.length
    pump.ready()
    await vi.advanceTimersByTimeAsync(0)
    expect(client.fetches.length).toBe(before + 1)
    await pump.stop()
  })

  test('takes single records while an event is awaited that may be behind them', async () => {
    const { client, pump, setUrgent } = open(0)
    pump.start()
    await vi.advanceTimersByTimeAsync(10)
    setUrgent(true)
    pump.wake()
    await vi.advanceTimersByTimeAsync(10)
    setUrgent(false)
    expect(client.fetches[0]).toBe(MAX_RECORDS)
    expect(client.fetches.length).toBeGreaterThan(2)
    expect(client.fetches.slice(1).every((count) => count === 1)).toBe(true)
    await pump.stop()
  })

  test('does not begin while something else must be alone, and that waits for a fetch to end', async () => {
    const { client, pump } = open(0)
    const order: string[] = []
    let release = () => {}
    pump.start()
    const alone = pump.exclusively(async () => {
      order.push(`alone after ${client.fetches.length}`)
      await new Promise<void>((resolve) => (release = resolve))
      order.push(`still ${client.fetches.length}`)
    })
    await vi.advanceTimersByTimeAsync(5_000)
    release()
    await alone
    expect(order).toEqual(['alone after 1', 'still 1'])
    await pump.stop()
  })
})

describe('a pause', () => {
  test('leaves the client reading, so that a short one costs nothing', async () => {
    const { client, pump, read, poll } = open(0, 1)
    pump.start()
    await poll()
    read(0).paused = true
    await poll()
    expect(read(0).shelved).toBeGreaterThan(0)
    read(0).paused = false
    pump.release(read(0))
    const offsets = (await poll()).filter(({ partition }) => partition === 0).map((batch) => batch.offsets[0])
    expect(offsets).toEqual([5])
    expect(client.calls).toEqual([])
    await pump.stop()
  })

  test('reaches the client when as much waits as a poll hands out, until it is over', async () => {
    const { client, pump, read, poll } = open(0, 1)
    pump.start()
    read(0).paused = true
    for (let i = 0; i < 10; i++) await poll()
    expect(client.calls).toEqual(['pause 0'])
    expect(read(0).shelved).toBeLessThanOrEqual(2 * MAX_RECORDS)
    read(0).paused = false
    pump.release(read(0))
    expect(client.calls).toEqual(['pause 0', 'resume 0'])
    await pump.stop()
  })
})

describe('when nobody polls', () => {
  test('the client is told to stop reading after a while, and its events are served from then on', async () => {
    const { client, pump, poll, read } = open(0, 1)
    pump.start()
    await vi.advanceTimersByTimeAsync(900)
    expect(client.calls).toEqual([])
    await vi.advanceTimersByTimeAsync(200)
    expect(client.calls).toEqual(['pause 0,1'])
    const before = client.fetches.length
    await vi.advanceTimersByTimeAsync(1_000)
    expect(client.fetches.length).toBeGreaterThan(before + 2)
    // As soon as somebody polls, reading goes on, except where who reads has paused it.
    read(1).paused = true
    await poll()
    await vi.advanceTimersByTimeAsync(0)
    expect(client.calls).toEqual(['pause 0,1', 'resume 0'])
    await pump.stop()
  })

  test('what is resumed meanwhile waits for somebody to poll', async () => {
    const { client, pump, read } = open(0)
    pump.start()
    await vi.advanceTimersByTimeAsync(1_500)
    expect(pump.stalled).toBe(true)
    pump.release(read(0))
    expect(client.calls).toEqual(['pause 0'])
    await pump.stop()
  })
})

test('who looks is answered when the pump stops', async () => {
  const { pump } = open()
  pump.start()
  const looked = pump.look()
  await pump.stop()
  await looked
  await pump.look()
})

import { ManualClock, silentLogger, type StartingPartition } from '@millrace/core'
import { expect, test } from 'vitest'
import { Usage } from '../src/insert/usage.ts'
import { bulkRows } from '../src/index.ts'
import { gate, numbers, settled, Shelf } from './support/shelf.ts'

const MEGABYTE = 1_048_576
const entry = { row: {}, bytes: MEGABYTE, part: undefined, slot: 0, at: 0, offset: -1, timestamp: -1, place: 0 }

test('of many who wait as many go on as have room, in the order in which they came, and the others are not asked again', async () => {
  let asked = 0
  const usage = new Usage(() => {
    asked++
    return { maxMemoryMb: 10, tables: new Map() }
  })
  const went: number[] = []
  for (const _ of numbers(10)) usage.take('t', entry)
  const come = (i: number) =>
    void usage.room('t', () => {
      usage.take('t', entry)
      went.push(i)
    })
  for (const i of numbers(1_000)) come(i)
  await settled()
  asked = 0
  for (const i of numbers(100)) {
    usage.giveBack('t', entry)
    // Who comes when there is room, and nobody was called yet.
    come(1_000 + i)
    usage.wake()
    await settled()
  }
  expect(went).toEqual(numbers(100))
  expect(asked).toBeLessThan(100 * 20)
})

test('a partition does not get ahead without end of a row that is not in; what is still gathered of it is stored then', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  const rows = bulkRows({
    driver: shelf.driver,
    environment: {},
    rows: () => [],
    tables: { slow: { strategy: 'size' }, b: { batchSize: 5_000 } },
  })
  const sink = await rows.open({ applicationId: 'app', node: 'rows', clock, logger: silentLogger, refuse: async () => undefined })
  const [one, other] = [0, 1].map((partition) => [{ topic: 't', partition, offset: 0, begin: 0, end: 100 }]) as [
    StartingPartition[],
    StartingPartition[],
  ]
  await sink.assign([...one, ...other], AbortSignal.timeout(20_000))
  const record = (offset: number, table: string) => ({
    topic: 't',
    partition: 0,
    offset,
    timestamp: 0,
    staged: [{ table, row: {}, bytes: 10 }],
  })
  sink.accept([record(0, 'slow')])
  let next = 1
  for (; next < 200_000 && !sink.full(one); next += 5_000) {
    sink.accept(numbers(5_000).map((i) => record(next + i, 'b')))
    await settled()
  }
  expect(next).toBe(100_001)
  expect([sink.full(other), shelf.ids('slow')]).toEqual([false, []])
  await sink.room(one)
  expect([sink.full(one), shelf.ids('slow')]).toEqual([false, [undefined]])
  await sink.close()
})

test('while a table is full only those tasks wait that have rows of it in memory', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  const rows = bulkRows({ driver: shelf.driver, environment: {}, rows: () => [], tables: { a: { maxMemoryMb: 1 }, b: {} } })
  const sink = await rows.open({ applicationId: 'app', node: 'rows', clock, logger: silentLogger, refuse: async () => undefined })
  const partitions = [0, 1, 2].map((partition) => ({ topic: 't', partition }))
  await sink.assign(
    partitions.map((at) => ({ ...at, offset: 0, begin: 0, end: 100 })),
    AbortSignal.timeout(20_000),
  )
  const held = gate()
  shelf.before = ({ table }) => (table === 'a' ? held.opened : undefined)
  for (const [i, table] of ['a', 'b'].entries())
    sink.accept([{ topic: 't', partition: i, offset: 0, timestamp: 0, staged: [{ table, row: { id: i }, bytes: MEGABYTE }] }])
  expect(partitions.map((at) => sink.full([at]))).toEqual([true, false, false])
  let hasRoom = false
  const waiting = sink.room(partitions.slice(0, 1)).then(() => {
    hasRoom = true
  })
  await settled()
  await clock.advance(5_000, settled)
  expect([shelf.ids('b'), hasRoom]).toEqual([[1], false])
  held.open()
  await waiting
  expect(sink.full(partitions)).toBe(false)
  await sink.close()
})

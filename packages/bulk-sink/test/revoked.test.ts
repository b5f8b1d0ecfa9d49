import { ManualClock, silentLogger } from '@millrace/core'
import { expect, test } from 'vitest'
import { bulkRows, RowError } from '../src/index.ts'
import { gate, numbers, Refusal, settled, Shelf } from './support/shelf.ts'

const never = new AbortController().signal
const at = (partition: number) => ({ topic: 't', partition })
const records = (partition: number) =>
  numbers(10).map((i) => ({
    ...{ ...at(partition), offset: i, timestamp: 0 },
    staged: [{ table: 'a', row: { id: 10 * partition + i }, bytes: 10 }],
  }))

test('of a batch that is under way when partitions are taken away nothing of them is tried again, and the rest is stored and counted', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  const rows = bulkRows({
    ...{ driver: shelf.driver, environment: {}, rows: () => [] },
    tables: { a: { strategy: 'size', batchSize: 20 } },
  })
  const sink = await rows.open({ applicationId: 'app', node: 'rows', clock, logger: silentLogger, refuse: async () => undefined })
  await sink.assign(
    [0, 1].map((partition) => ({ ...at(partition), offset: 0, begin: 0, end: 100 })),
    never,
  )
  const held = gate()
  shelf.before = async ({ rows: inserted }) => {
    if (inserted.length === 20) {
      await held.opened
      // Of a partition that is gone by then: nobody is told.
      throw new RowError({ index: 5, table: 'a', column: 'id' }, 'it is no number')
    }
    if (inserted.some(({ id }) => id === 15)) throw new Refusal('rows')
  }
  sink.accept([...records(0), ...records(1)])
  await settled()
  sink.revoke([at(0)])
  held.open()
  await settled()
  expect(new Set(shelf.ids('a'))).toEqual(new Set(numbers(20).filter((id) => id >= 10 && id !== 15)))
  expect(rows.metrics().batching.queued_items).toBe(0)
  // With nobody left who wants it, it is given up at once; what was stored of it before is counted.
  let tries = 0
  shelf.before = () => {
    if (++tries === 1) throw new Refusal('rows')
    return tries === 2 ? undefined : gate().opened
  }
  sink.accept(records(1).map((record) => ({ ...record, offset: record.offset + 10 })))
  sink.accept(records(1).map((record) => ({ ...record, offset: record.offset + 20 })))
  await settled()
  sink.revoke([at(1)])
  await settled()
  expect(shelf.inserts.at(-1)?.signal.aborted).toBe(true)
  expect(rows.metrics()).toMatchObject({ rejected_events: 1, total_events_inserted: 19, batching: { queued_items: 0, memory_usage_mb: 0 } })
  await sink.close()
})

test('a commit that waits for rows is answered when these are dropped before they are tried', async () => {
  const shelf = new Shelf()
  const rows = bulkRows({ ...{ driver: shelf.driver, environment: {}, rows: () => [] }, tables: { a: {} } })
  const refuse = async () => undefined
  const sink = await rows.open({ applicationId: 'app', node: 'rows', clock: new ManualClock(), logger: silentLogger, refuse })
  await sink.assign([{ ...at(0), offset: 0, begin: 0, end: 100 }], never)
  sink.accept(records(0))
  const prepared = sink.prepare([{ ...at(0), offset: 10 }], { flush: true, signal: never })
  sink.revoke([at(0)])
  await prepared
  expect(shelf.inserts).toEqual([])
  await sink.assign([{ ...at(0), offset: 0, begin: 0, end: 100 }], never)
  for (const [ending, type] of [[false, 'commit'] as const, [true, 'shutdown'] as const]) {
    sink.accept(records(0))
    await sink.prepare([{ ...at(0), offset: 10 }], { flush: true, ending, signal: never })
    expect(rows.metrics().flush_type).toBe(type)
  }
  await sink.close()
})

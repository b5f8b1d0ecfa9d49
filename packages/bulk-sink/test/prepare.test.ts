import { ManualClock } from '@millrace/core'
import { expect, test } from 'vitest'
import { type ComingInsert, createBulkSink } from '../src/index.ts'
import { gate, numbers, settled, Shelf } from './support/shelf.ts'

const idsOf = ({ rows }: Pick<ComingInsert, 'rows'>) => rows.map(({ id }) => id)

function sinkOf(shelf: Shelf, coming: ComingInsert[], maxConcurrentInserts: number) {
  const driver = () => ({ ...shelf.driver(), prepare: (one: ComingInsert) => void coming.push(one) })
  const tables = { t: { strategy: 'size', batchSize: 2, id: 'id' } } as const
  return createBulkSink({ driver, clock: new ManualClock(1_000), environment: {}, closeTimeoutMs: 0, maxConcurrentInserts, tables })
}

test('a driver is told of the batch that is next while another is being inserted, once, and gets the same rows then', async () => {
  const [shelf, coming, { opened, open }] = [new Shelf(), [] as ComingInsert[], gate()]
  shelf.before = () => opened
  await using sink = sinkOf(shelf, coming, 1)
  for (const id of numbers(6)) await sink.write('t', { id })
  await settled()
  expect(shelf.inserts.map(idsOf)).toEqual([[0, 1]])
  expect(coming).toMatchObject([{ table: 't', id: ['id'], statement: undefined }])
  expect(coming.map(idsOf)).toEqual([[2, 3]])
  await settled()
  expect(coming).toHaveLength(1)
  open()
  await sink.flush()
  expect(coming[0]?.rows).toEqual(shelf.inserts[1]?.rows)
  expect(shelf.ids('t')).toEqual(numbers(6))
})

test('of what may begin at once it is not told before', async () => {
  const [shelf, coming] = [new Shelf(), [] as ComingInsert[]]
  const { opened, open } = gate()
  shelf.before = () => opened
  await using sink = sinkOf(shelf, coming, 2)
  for (const id of numbers(4)) await sink.write('t', { id })
  await settled()
  expect(shelf.inserts.map(idsOf)).toEqual([
    [0, 1],
    [2, 3],
  ])
  expect(coming).toEqual([])
  open()
  await sink.flush()
})

import { ColumnBatch } from '@millrace/core'
import { expect, test } from 'vitest'
import { Gathered } from '../../src/process/gathered.ts'
import { OutputBudget } from '../../src/process/output-budget.ts'

function gather(numbered = false) {
  const batch = new ColumnBatch<unknown, unknown>({
    topic: 'words',
    partition: 0,
    trigger: 'records',
    keys: ['a', 'b'],
    values: [1, 2],
    timestamps: [10, 20],
    offsets: [0, 1],
  })
  const gathered = new Gathered({ batch, origin: { kind: 'source', edge: 0 }, streamTime: 20 }, new OutputBudget(1_000_000), numbered)
  return { batch, gathered }
}

test("more that is forwarded after the input's own keys is not put into the input", () => {
  const { batch, gathered } = gather()
  gathered.addColumns({ keys: batch.keys, values: ['x', 'y'] }, 0)
  gathered.add({ key: 'c', value: 'z', timestamp: 30 }, 1, 2)
  expect(batch.keys).toEqual(['a', 'b'])
  expect(gathered.toBatch()?.keys).toEqual(['a', 'b', 'c'])
})

test("arrays that were forwarded are the sender's again", () => {
  const { gathered } = gather()
  const keys = ['k', 'l']
  const values = ['x', 'y']
  gathered.addColumns({ keys, values }, 0)
  keys[0] = 'changed'
  values[1] = 'changed'
  expect(gathered.toBatch()?.keys).toEqual(['k', 'l'])
  expect(gathered.toBatch()?.values).toEqual(['x', 'y'])
})

test('rows of the input are its own columns, until more is forwarded', () => {
  const { batch, gathered } = gather()
  expect(gathered.addRows({ rows: Int32Array.of(1), values: ['x'] }, 0)).toBe(1)
  expect([gathered.length, gathered.parentOf(0)]).toEqual([1, 1])
  expect([...(gathered.toBatch() ?? [])]).toEqual([{ ...batch.record(1), value: 'x' }])
  expect(gathered.addRows({}, 1)).toBe(2)
  gathered.addColumns({ keys: ['c'], values: ['z'], sources: [0] }, 3)
  expect([...(gathered.toBatch() ?? [])].map(({ key, value, offset, timestamp }) => [key, value, offset, timestamp])).toEqual([
    ['a', 1, 0, 10],
    ['c', 'z', 0, 10],
    ['b', 'x', 1, 20],
    ['b', 2, 1, 20],
  ])
})

test('rows are numbered where a node has several outputs', () => {
  const { gathered } = gather(true)
  gathered.addRows({}, 5)
  expect(gathered.sequences).toEqual([5, 6])
  gathered.add({ key: 'c', value: 'z', timestamp: 30 }, 1, 7)
  expect(gathered.sequences).toEqual([5, 6, 7])
})

import { ColumnBatch } from '@millrace/core'
import { expect, test } from 'vitest'
import { Gathered } from '../../src/process/gathered.ts'
import { OutputBudget } from '../../src/process/output-budget.ts'

function gather() {
  const batch = new ColumnBatch<unknown, unknown>({
    topic: 'words',
    partition: 0,
    trigger: 'records',
    keys: ['a', 'b'],
    values: [1, 2],
    timestamps: [10, 20],
    offsets: [0, 1],
  })
  const gathered = new Gathered({ batch, origin: { kind: 'source', edge: 0 }, streamTime: 20 }, new OutputBudget(1_000_000), false)
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

import { RowError, type ComingInsert, type Row } from '@millrace/bulk-sink'
import { expect, test } from 'vitest'
import type { Column } from '../src/column.ts'
import { statementsOf } from '../src/insert-rows.ts'
import { PreparedStatements } from '../src/prepared-statements.ts'

const columns = (type = 'text'): ReadonlyMap<string, Column> =>
  new Map([
    ['id', { name: 'id', type: 'bigint', category: 'N' }],
    ['note', { name: 'note', type, category: 'S' }],
  ])

const id = ['id']
const inserting = (rows: readonly Row[]): ComingInsert => ({ table: 'orders', rows, statement: undefined, id })
const rowsOf = (count: number) => Array.from({ length: count }, (_, i): Row => ({ id: i, note: `"${i}" of \\` }))

test('what was made of rows before their turn is what is sent of them', () => {
  const prepared = new PreparedStatements()
  const [rows, known] = [rowsOf(3), columns()]
  prepared.prepare(inserting(rows), known)
  const made = prepared.of(inserting([...rows]), known)
  expect(made).toEqual(statementsOf(inserting(rows), known))
  // Once: what is tried again is made again.
  expect(prepared.of(inserting(rows), known)).not.toBe(made)
})

test.each<[string, (rows: readonly Row[]) => readonly [ComingInsert, ReadonlyMap<string, Column> | undefined]]>([
  ['fewer rows', (rows) => [inserting(rows.slice(0, 2)), undefined]],
  ['another row', (rows) => [inserting([...rows.slice(0, 2), { id: 9, note: 'x' }]), undefined]],
  ['another statement', (rows) => [{ ...inserting(rows), statement: 'insert into elsewhere (:columns) :rows' }, undefined]],
  ['other columns', (rows) => [inserting(rows), columns('json')]],
])('for %s it is made anew', (_, changed) => {
  const prepared = new PreparedStatements()
  const [rows, known] = [rowsOf(3), columns()]
  prepared.prepare(inserting(rows), known)
  const [insert, now = known] = changed(rows)
  expect(prepared.of(insert, now)).toEqual(statementsOf(insert, now))
})

test('a row that can not be converted is told of by its insert, not before', () => {
  const prepared = new PreparedStatements()
  const [rows, known] = [[...rowsOf(1), { id: 1, note: new Date(Number.NaN) }], columns()]
  prepared.prepare(inserting(rows), known)
  expect(() => prepared.of(inserting(rows), known)).toThrow(RowError)
})

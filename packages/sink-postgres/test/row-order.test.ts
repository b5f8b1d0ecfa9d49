import type { Row } from '@millrace/bulk-sink'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Column } from '../src/column.ts'
import { statementsOf } from '../src/insert-rows.ts'

const columns: ReadonlyMap<string, Column> = new Map(
  ['id', 'a', 'b', 'at'].map((name) => [name, { name, type: name === 'id' ? 'bigint' : 'text', category: name === 'id' ? 'N' : 'S' }]),
)
const OWN = 'insert into kept (:columns) :rows on conflict (id) do update set a = excluded.a'

/** What each statement sends, row by row: its place among all, told by `at`. */
function placesOf(rows: readonly Row[], statement: string | undefined, id: readonly string[]): number[][] {
  const numbered = rows.map((row, at) => ({ ...row, at: String(at) }))
  return statementsOf({ table: 'kept', rows: numbered, statement, id }, columns).map(({ values }) =>
    (values.find((value) => /^\{("\d+",?)+\}$/.test(value)) as string).replaceAll(/[{}"]/g, '').split(',').map(Number),
  )
}

const ROWS = fc.array(
  fc.record({ id: fc.integer({ min: 0, max: 3 }), a: fc.constant('x'), b: fc.constant('y') }, { requiredKeys: ['id'] }),
  { minLength: 1, maxLength: 12 },
)

test('rows of one id keep their order, whatever columns they give; in a statement of the user there is one of each', () => {
  fc.assert(
    fc.property(ROWS, fc.boolean(), (rows, own) => {
      const statements = placesOf(rows, own ? OWN : undefined, ['id'])
      expect(statements.flat().toSorted((a, b) => a - b)).toEqual(rows.map((_, at) => at))
      for (const id of [0, 1, 2, 3]) {
        const order = statements.flat().filter((at) => rows[at]?.id === id)
        expect(order).toEqual(order.toSorted((a, b) => a - b))
        const most = Math.max(...statements.map((places) => places.filter((at) => rows[at]?.id === id).length))
        expect(most).toBeLessThanOrEqual(own ? 1 : rows.length)
      }
    }),
  )
})

test('where the id is not known, rows of a statement of the user keep their order', () => {
  fc.assert(
    fc.property(ROWS, (rows) => {
      expect(placesOf(rows, OWN, []).flat()).toEqual(rows.map((_, at) => at))
    }),
  )
})

test('rows that give the same columns are one statement, repeats included; an id that is null is equal to none', () => {
  expect(placesOf([{ id: 1 }, { id: 2 }, { id: 1 }], undefined, ['id'])).toHaveLength(1)
  expect(placesOf([{ id: 1 }, { id: 2 }], OWN, ['id'])).toHaveLength(1)
  expect(placesOf([{ id: null }, { id: null }], OWN, ['id'])).toHaveLength(1)
  expect(placesOf([{ id: 1 }, { id: 1n }, { id: '1' }], OWN, ['id'])).toHaveLength(3)
})

test('columns have the names that they have in a statement of the user, whatever is in these', () => {
  const names = ['id', 'in $$', 'a:rows', String.raw`$&$'`]
  const known = new Map(names.map((name) => [name, { name, type: 'text', category: 'S' }]))
  const row = Object.fromEntries(names.map((name) => [name, 'x']))
  const [sent] = statementsOf({ table: 'kept', rows: [row], statement: OWN, id: ['id'] }, known)
  const list = names.map((name) => `"${name}"`).join(', ')
  const rows = `select ${list} from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as rows(${list})`
  expect(sent?.text).toBe(`insert into kept (${list}) ${rows} on conflict (id) do update set a = excluded.a`)
})

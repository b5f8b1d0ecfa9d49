import { ManualClock, silentLogger, type StagedRecord } from '@millrace/core'
import { expect, test } from 'vitest'
import { bulkRows, type TableOptions } from '../src/index.ts'
import { Ledger } from './support/ledger.ts'
import { numbers, Refusal, settled } from './support/shelf.ts'

/** A sink that is exactly once, of a table `children` whose rows refer to those of `parents` with the same id; parent 7 refers to what is nowhere. */
async function referring(children: TableOptions, parents: TableOptions = {}) {
  const [ledger, clock, refused] = [new Ledger(), new ManualClock(), [] as number[]]
  const rows = bulkRows<string, number>({
    ...{ driver: ledger.driver, environment: {}, rows: () => [], exactlyOnce: true },
    tables: { children: { batchSize: 100, ...children }, parents: { batchSize: 100, ...parents } },
  })
  ledger.before = ({ table, rows: given }, ids) => {
    if (table === 'children' && given.some(({ id }) => !ids('parents').includes(id))) throw new Refusal('reference')
    if (table === 'parents' && given.some(({ id }) => id === 7)) throw new Refusal('reference')
  }
  const refuse = async ({ offset }: { readonly offset: number }) => void refused.push(offset)
  const sink = await rows.open({ applicationId: 'app', node: 'rows', clock, logger: silentLogger, refuse })
  await sink.assign([{ topic: 't', partition: 0, offset: 0, begin: 0, end: 1_000, topicId: 'one' }], new AbortController().signal)
  const committed = async (offset: number) =>
    (await sink.prepare([{ topic: 't', partition: 0, offset }], { flush: true, signal: AbortSignal.timeout(20_000) }))[0]?.offset
  return { ledger, clock, refused, sink, committed }
}

const record = (offset: number, ...staged: readonly [table: string, id: number][]): StagedRecord => ({
  ...{ topic: 't', partition: 0, offset, timestamp: 0 },
  staged: staged.map(([table, id]) => ({ table, row: { id }, bytes: 10 })),
})

test('what of a table went in before a row that waits for another is not inserted again in the same transaction', async () => {
  const { ledger, sink, refused, committed } = await referring({ enabled: false })
  sink.accept([record(0, ['children', 0], ['parents', 0], ['parents', 1])])
  expect(await committed(1)).toBe(1)
  // Their rows go in one by one: the first at once, the other when its own is there.
  sink.accept([record(1, ['children', 1], ['children', 2], ['parents', 2])])
  expect(await committed(2)).toBe(2)
  expect([ledger.ids('children'), ledger.ids('parents'), refused]).toEqual([numbers(3), numbers(3), []])
})

test('a row whose own comes with a later record is tried again with it, as often as its table says, and then given up alone', async () => {
  const { ledger, clock, sink, refused, committed } = await referring({ retries: 2 })
  sink.accept([record(0, ['children', 1])])
  expect(await committed(1)).toBe(0)
  sink.accept([record(1, ['parents', 1])])
  await clock.advance(1_000, settled)
  expect(await committed(2)).toBe(2)
  expect([ledger.ids('children'), refused]).toEqual([[1], []])
  sink.accept([record(2, ['parents', 2], ['children', 2], ['children', 3])])
  expect(await committed(3)).toBe(2)
  expect(refused).toEqual([])
  await clock.advance(10_000, settled)
  expect(await committed(3)).toBe(3)
  expect([ledger.ids('children'), refused]).toEqual([[1, 2], [2]])
})

test.each([true, false])('a row that is given up takes along those that refer to it, and no others (in batches: %s)', async (enabled) => {
  const { ledger, clock, sink, refused, committed } = await referring({ enabled, retries: 1 }, { enabled, retries: 1 })
  // Children are inserted before their parents.
  sink.accept(numbers(20).map((at) => record(at, ['children', 19 - at], ['parents', 19 - at])))
  expect(await committed(20)).toBe(0)
  await clock.advance(10_000, settled)
  expect(await committed(20)).toBe(20)
  const stored = numbers(20).filter((id) => id !== 7)
  const sorted = (table: string) => ledger.ids(table).toSorted((a, b) => Number(a) - Number(b))
  expect([sorted('children'), sorted('parents'), refused]).toEqual([stored, stored, [12, 12]])
})

test('a row whose own is beyond where a transaction was cut smaller is stored with it: the cut grows', async () => {
  const { ledger, clock, sink, refused, committed } = await referring({ retries: 2 })
  const { before } = ledger
  let isTooMuch = true
  ledger.before = async (request, ids) => {
    if (isTooMuch) {
      isTooMuch = false
      throw new Refusal('size')
    }
    await before(request, ids)
  }
  // The first refers to the last.
  sink.accept(numbers(40).map((at) => record(at, at === 0 ? ['children', 40] : ['parents', at === 39 ? 40 : at + 100])))
  expect(await committed(40)).toBe(0)
  await clock.advance(10_000, settled)
  expect(await committed(40)).toBe(40)
  expect([ledger.ids('children'), refused]).toEqual([[40], []])
})

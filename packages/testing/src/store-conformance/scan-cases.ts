import type { StoreRow } from '@millrace/core'
import type { StoreConformanceCase } from './conformance-case.ts'
import { allRows, ascending, bytes, put, readable, remove } from './store-bench.ts'

const KEYS = [bytes(), bytes(0), bytes(0, 1), bytes(1), bytes(1, 0), bytes(0x7f), bytes(0x80), bytes(0xff), bytes(0xff, 0xff)]
const ROWS: readonly StoreRow[] = KEYS.map((key, i) => [key, bytes(i)])

export const scanCases: readonly StoreConformanceCase[] = [
  {
    name: 'scans: rows come in the order of unsigned bytes, or against it',
    async run(bench) {
      const store = await bench.open()
      await store.write(ROWS.toReversed().map(([key, value]) => put(key, value)))
      await bench.rowsAre(store, ROWS)
      await bench.rowsAre(store, ROWS.toReversed(), { reverse: true })
    },
  },
  {
    name: 'scans: a range has its lower bound and not its upper one',
    async run(bench) {
      const store = await bench.open()
      await store.write(ROWS.map(([key, value]) => put(key, value)))
      for (const reverse of [false, true]) {
        const inOrder = (rows: readonly StoreRow[]) => (reverse ? rows.toReversed() : rows)
        for (let from = 0; from < KEYS.length; from++) {
          await bench.rowsAre(store, inOrder(ROWS.slice(from)), { gte: KEYS[from], reverse })
          await bench.rowsAre(store, inOrder(ROWS.slice(0, from)), { lt: KEYS[from], reverse })
          for (let to = 0; to < KEYS.length; to++) {
            await bench.rowsAre(store, inOrder(ROWS.slice(from, to)), { gte: KEYS[from], lt: KEYS[to], reverse })
          }
        }
      }
    },
  },
  {
    name: 'scans: bounds need not be keys that are there',
    async run(bench) {
      const store = await bench.open()
      await store.write(ROWS.map(([key, value]) => put(key, value)))
      for (const reverse of [false, true]) {
        const rows = reverse ? ROWS.slice(3, 5).toReversed() : ROWS.slice(3, 5)
        await bench.rowsAre(store, rows, { gte: bytes(0, 2), lt: bytes(2), reverse })
        await bench.rowsAre(store, [], { gte: bytes(2), lt: bytes(3), reverse })
        await bench.rowsAre(store, [], { gte: bytes(0xff, 0xff, 0), reverse })
      }
    },
  },
  {
    name: 'scans: pages hold at most as many rows as asked for, and at least one',
    async run(bench) {
      const store = await bench.open()
      await store.write(
        ROWS.map(([key, value]) => put(key, value)),
        bytes(1),
      )
      for (const pageSize of [1, 2, 4, ROWS.length, 1_000]) {
        for (const reverse of [false, true]) {
          for await (const page of store.scan({ reverse }, pageSize)) bench.assert.ok(page.length > 0 && page.length <= pageSize)
          await bench.rowsAre(store, reverse ? ROWS.toReversed() : ROWS, { reverse }, pageSize)
        }
      }
    },
  },
  {
    name: 'scans: see the store as it was when they were called, whatever is written before or while they are read',
    async run(bench) {
      const store = await bench.open()
      await store.write(ROWS.map(([key, value]) => put(key, value)))
      const forwards = store.scan({}, 2)
      const backwards = store.scan({ reverse: true }, 2)
      await store.write([put(bytes(3), bytes(99)), remove(bytes(0)), put(bytes(0xff), bytes(99))])
      const seen: StoreRow[] = []
      for await (const page of forwards) {
        seen.push(...page)
        await store.write([remove(bytes(0xff)), put(bytes(2, seen.length), bytes(99))])
      }
      bench.assert.deepEqual(seen.map(readable), ROWS.map(readable))
      bench.assert.deepEqual((await allRows(backwards)).map(readable), ROWS.toReversed().map(readable))
    },
  },
  {
    name: 'scans: given bounds are neither kept nor changed',
    async run(bench) {
      const store = await bench.open()
      await store.write(ROWS.map(([key, value]) => put(key, value)))
      for (const reverse of [false, true]) {
        const gte = bytes(0, 1)
        const lt = bytes(0x80)
        const scan = store.scan({ gte, lt, reverse }, 1)
        gte.fill(0xff)
        lt.fill(0)
        const rows = ROWS.slice(2, 6)
        bench.assert.deepEqual((await allRows(scan)).map(readable), (reverse ? rows.toReversed() : rows).map(readable))
      }
    },
  },
  {
    name: 'scans: may be left early, run side by side, and never be read at all',
    async run(bench) {
      const store = await bench.open()
      await store.write(ROWS.map(([key, value]) => put(key, value)))
      store.scan({}, 1)
      for await (const page of store.scan({}, 1)) {
        bench.assert.deepEqual(page.map(readable), ROWS.slice(0, 1).map(readable))
        await bench.rowsAre(store, ROWS)
        break
      }
      const [one, other] = await Promise.all([allRows(store.scan({}, 1)), allRows(store.scan({ reverse: true }, 3))])
      bench.assert.deepEqual([...(one ?? [])].map(readable), (other ?? []).toReversed().map(readable))
      await store.write([remove(bytes())])
      await store.close()
    },
  },
  {
    name: 'scans: agree with a sorted list over many writes',
    async run(bench) {
      const store = await bench.open()
      const random = numbersFrom(1)
      const model = new Map<string, StoreRow>()
      for (let round = 0; round < 25; round++) {
        const changes = Array.from({ length: random(60) }, () => {
          const key = Uint8Array.from({ length: random(3) }, () => random(6) * 51)
          return random(4) === 0 ? remove(key) : put(key, bytes(random(256), round))
        })
        for (const { key, value } of changes) {
          if (value === undefined) model.delete(String(key))
          else model.set(String(key), [key, value])
        }
        await store.write(changes, bytes(round))
        const rows = ascending([...model.values()])
        await bench.rowsAre(store, rows, {}, 1 + random(50))
        await bench.rowsAre(store, rows.toReversed(), { reverse: true }, 1 + random(50))
      }
    },
  },
]

/** The same numbers in every run: `random(n)` is a whole number from 0 to n - 1. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

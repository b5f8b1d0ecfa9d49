import { describe, expect, test } from 'vitest'
import { type Change, CLEAN, NOTHING, OPEN, SlotTable } from '../../../src/store/layers/slot-table.ts'
import { keyColumn } from './support/key-column.ts'

const value = (bytes: number): Change => ({ content: new Uint8Array(bytes), decoded: undefined, timestamp: 0, bytes })

function keep(table: SlotTable, key: string | number, change: Change): number {
  const found = find(table, key)
  const slot = found < 0 ? table.add(keyColumn(key), 0) : found
  table.put(slot, CLEAN, change)
  return table.keep(slot) ? slot : -1
}

function find(table: SlotTable, key: string | number): number {
  return table.find(keyColumn(key), 0)
}

/** Of a key of four characters with a value of ten bytes. */
const ONE = (() => {
  const table = new SlotTable(1_000_000)
  return table.bytesOf(keep(table, 'used', value(10)))
})()

const id = (number: number): string => String(number).padStart(4, '0')

/** How many bytes the table still has, of so many keys. Looked at from the newest: looking keeps. */
function heldBytes(table: SlotTable, keys: number): number {
  let held = 0
  for (let number = keys - 1; number >= 0; number--) {
    const slot = find(table, id(number))
    if (slot >= 0) held += table.bytesOf(slot)
  }
  return held
}

describe('the cache of committed entries', () => {
  test('never holds more than it may', () => {
    const table = new SlotTable(20_000)
    let most = 0
    for (let number = 0; number < 1_000; number++) {
      keep(table, id(number), value((number * 37) % 900))
      if (number % 50 === 0) most = Math.max(most, heldBytes(table, number + 1))
    }
    expect(most).toBeLessThanOrEqual(20_000)
    expect(heldBytes(table, 1_000)).toBeGreaterThan(5_000)
  })

  test('keeps what is used and forgets what is not', () => {
    const table = new SlotTable(20 * ONE)
    keep(table, 'used', value(10))
    keep(table, 'gone', value(10))
    for (let number = 0; number < 1_000; number++) {
      keep(table, id(number), value(10))
      expect(find(table, 'used')).toBeGreaterThanOrEqual(0)
    }
    expect(find(table, 'gone')).toBe(-1)
  })

  test('has the last entry of a key, or none', () => {
    const table = new SlotTable(20 * ONE)
    for (let round = 0; round < 200; round++) {
      const put = value(10)
      keep(table, 'last', put)
      for (let number = 0; number < round % 17; number++) keep(table, id(number), value(10))
      const slot = find(table, 'last')
      expect(slot < 0 || table.contentOf(slot) === put.content).toBe(true)
    }
  })

  test('does not keep what takes more than half of it, nor what was there before', () => {
    const table = new SlotTable(4_000)
    keep(table, 'a', value(10))
    expect(keep(table, 'a', value(3_000))).toBe(-1)
    expect(find(table, 'a')).toBe(-1)
    keep(table, 'b', value(10))
    for (let number = 0; number < 3; number++) keep(table, id(number), value(10))
    keep(table, 'b', value(3_000))
    expect(find(table, 'b')).toBe(-1)
  })

  test('has changes for as long as they are there, whatever else comes', () => {
    const table = new SlotTable(4 * ONE)
    const changed = keep(table, 'changed', value(10))
    table.put(changed, OPEN, value(20))
    for (let number = 0; number < 100; number++) keep(table, id(number), value(10))
    expect(find(table, 'changed')).toBe(changed)
    expect(table.kindOf(changed)).toBe(OPEN)
    table.keep(changed)
    for (let number = 0; number < 100; number++) keep(table, id(number), value(10))
    expect(find(table, 'changed')).toBe(-1)
  })

  test('says when a number may stand for another key', () => {
    const table = new SlotTable(4 * ONE)
    keep(table, 'used', value(10))
    const { removals } = table
    for (let number = 0; number < 3; number++) keep(table, id(number), value(10))
    expect(table.removals).toBe(removals)
    keep(table, 'more', value(10))
    expect(table.removals).toBeGreaterThan(removals)
  })

  test('keeps all that fits, in whatever order it is used', () => {
    const table = new SlotTable(20 * ONE)
    for (let number = 0; number < 20; number++) keep(table, id(number), value(10))
    for (let round = 0; round < 100; round++) expect(find(table, id((round * 7) % 20))).toBeGreaterThanOrEqual(0)
    expect(heldBytes(table, 20)).toBe(20 * ONE)
  })

  test('keeps what is used among many that come once, also behind many changes, whose numbers are closed up', () => {
    const table = new SlotTable(20 * ONE)
    const changes = Array.from({ length: 5_000 }, (_, number) => table.add(keyColumn(`changed ${number}`), 0))
    for (const slot of changes) table.put(slot, OPEN, value(10))
    keep(table, 'used', value(10))
    expect(table.closeUp()).toBeUndefined()
    for (const slot of changes) {
      table.become(slot, NOTHING)
      table.settle(slot)
    }
    expect(table.closeUp()).toEqual([5_000])
    expect(find(table, 'used')).toBe(0)
    expect(table.valueBytesOf(0)).toBe(10)
    for (let number = 0; number < 1_000; number++) {
      keep(table, id(number), value(10))
      expect(find(table, 'used')).toBeGreaterThanOrEqual(0)
    }
    expect(heldBytes(table, 1_000)).toBe(19 * ONE)
  })

  test('keeps nothing when it may hold nothing', () => {
    const table = new SlotTable(0)
    expect(keep(table, 'a', value(0))).toBe(-1)
    expect(find(table, 'a')).toBe(-1)
  })

  test('tells the updates that have met a slot apart', () => {
    const table = new SlotTable(1_000)
    const slot = keep(table, 'a', value(1))
    const update = table.nextUpdate()
    expect([table.meet(slot, update, 7), table.meet(slot, update, 8)]).toEqual([7, 7])
    expect(table.meet(slot, table.nextUpdate(), 9)).toBe(9)
  })
})

import { describe, expect, test } from 'vitest'
import { type Entry, newEntry } from '../../../src/store/layers/entry.ts'
import { SlotTable } from '../../../src/store/layers/slot-table.ts'

const entry = (bytes: number): Entry => newEntry(new Uint8Array(4), new Uint8Array(bytes))

/** How many bytes of entries the table still has, of `ids`. Looked at from the newest: looking keeps. */
function heldBytes(table: SlotTable, ids: number): number {
  let held = 0
  for (let id = ids - 1; id >= 0; id--) {
    const found = table.get(id)?.clean
    if (found !== undefined) held += found.bytes
  }
  return held
}

describe('the cache of committed entries', () => {
  test('never holds more than it may', () => {
    const table = new SlotTable(20_000)
    let most = 0
    for (let id = 0; id < 1_000; id++) {
      table.keep(id, entry((id * 37) % 900))
      if (id % 50 === 0) most = Math.max(most, heldBytes(table, id + 1))
    }
    expect(most).toBeLessThanOrEqual(20_000)
    expect(heldBytes(table, 1_000)).toBeGreaterThan(5_000)
  })

  test('keeps what is used and forgets what is not', () => {
    const table = new SlotTable(20 * entry(10).bytes)
    table.keep('used', entry(10))
    table.keep('unused', entry(10))
    for (let id = 0; id < 1_000; id++) {
      table.keep(id, entry(10))
      expect(table.get('used')?.clean).toBeDefined()
    }
    expect(table.get('unused')?.clean).toBeUndefined()
  })

  test('has the last entry of a key, or none', () => {
    const table = new SlotTable(20 * entry(10).bytes)
    for (let round = 0; round < 200; round++) {
      const put = entry(10)
      table.keep('a', put)
      for (let id = 0; id < round % 17; id++) table.keep(id, entry(10))
      const found = table.get('a')?.clean
      expect(found === undefined || found === put).toBe(true)
    }
  })

  test('does not keep what takes more than half of it, nor what was there before', () => {
    const table = new SlotTable(4_000)
    table.keep('a', entry(10))
    table.keep('a', entry(3_000))
    expect(table.get('a')?.clean).toBeUndefined()
    table.keep('b', entry(10))
    for (let id = 0; id < 3; id++) table.keep(id, entry(10))
    table.keep('b', entry(3_000))
    expect(table.get('b')?.clean).toBeUndefined()
  })

  test('gives what it is asked for also where that makes it forget', () => {
    const table = new SlotTable(4 * entry(10).bytes)
    for (const id of ['old', 'b', 'young', 'd']) table.keep(id, entry(10))
    expect(table.get('old')?.clean).toBeDefined()
    expect(table.get('old')?.clean).toBeDefined()
  })

  test('has changes for as long as they are there, whatever else comes', () => {
    const table = new SlotTable(4 * entry(10).bytes)
    const changed = table.slotOf('changed', undefined)
    changed.open = entry(10)
    table.keep('changed', entry(10))
    for (let id = 0; id < 100; id++) table.keep(id, entry(10))
    expect(table.get('changed')).toBe(changed)
    changed.open = undefined
    for (let id = 0; id < 100; id++) table.keep(id, entry(10))
    expect(table.get('changed')).toBeUndefined()
  })

  test('does not take a slot that it has forgotten for one of its own', () => {
    const table = new SlotTable(4 * entry(10).bytes)
    table.keep('a', entry(10))
    const before = table.get('a')
    for (let id = 0; id < 100; id++) table.keep(id, entry(10))
    const slot = table.slotOf('a', before)
    expect(slot).not.toBe(before)
    expect(table.get('a')).toBe(slot)
    expect(table.slotOf('a', slot)).toBe(slot)
  })

  test('keeps all that fits, in whatever order it is used', () => {
    const table = new SlotTable(20 * entry(10).bytes)
    for (let id = 0; id < 20; id++) table.keep(id, entry(10))
    for (let round = 0; round < 100; round++) expect(table.get((round * 7) % 20)?.clean).toBeDefined()
    expect(heldBytes(table, 20)).toBe(20 * entry(10).bytes)
  })

  test('keeps what is used among many that come once, also behind many changes', () => {
    const table = new SlotTable(20 * entry(10).bytes)
    const changes = Array.from({ length: 1_000 }, (_, id) => table.slotOf(`changed ${id}`, undefined))
    for (const slot of changes) slot.open = entry(10)
    table.keep('used', entry(10))
    for (const slot of changes) {
      slot.open = undefined
      table.tidy(slot)
    }
    for (let id = 0; id < 1_000; id++) {
      table.keep(id, entry(10))
      expect(table.get('used')?.clean).toBeDefined()
    }
    expect(heldBytes(table, 1_000)).toBe(19 * entry(10).bytes)
  })

  test('keeps nothing when it may hold nothing', () => {
    const table = new SlotTable(0)
    table.keep('a', entry(0))
    expect(table.get('a')?.clean).toBeUndefined()
  })
})

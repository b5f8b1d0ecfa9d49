import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KeyIndex, OWN, ROW } from '../../../src/store/layers/key-index.ts'

const key = fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString('latin1'))

/** An index, and a map that says what it is to hold. */
class Checked {
  readonly index = new KeyIndex()
  readonly slots = new Map<string, number>()

  add(text: string, mark: number): void {
    if (this.slots.has(text)) return
    const bytes = Buffer.from(`<${text}>`, 'latin1')
    const slot = this.index.add(bytes, 1, bytes.length - 1)
    assert.ok(![...this.slots.values()].includes(slot))
    // What the index keeps for others is its own, not that of who had the number before.
    assert.equal(this.index.rows[slot * ROW + OWN], 0)
    this.index.rows[slot * ROW + OWN] = mark
    this.slots.set(text, slot)
  }

  remove(text: string): void {
    const slot = this.slots.get(text)
    if (slot === undefined) return
    this.index.remove(slot)
    this.slots.delete(text)
  }

  compact(): void {
    const before = this.index.compact()
    assert.deepEqual(
      before,
      [...this.slots.values()].toSorted((a, b) => a - b),
    )
    for (const [text, slot] of this.slots) this.slots.set(text, before.indexOf(slot))
    assert.equal(this.index.used, this.slots.size)
  }

  check(texts: readonly string[]): void {
    assert.equal(this.index.size, this.slots.size)
    for (const text of texts) {
      const bytes = Buffer.from(`(${text})`, 'latin1')
      assert.equal(this.index.find(bytes, 1, bytes.length - 1), this.slots.get(text) ?? -1)
    }
    for (const [text, slot] of this.slots) {
      assert.equal(this.index.has(slot), true)
      assert.equal(Buffer.from(this.index.keyOf(slot)).toString('latin1'), text)
    }
  }
}

describe('an index of keys', () => {
  test('finds what a map would find, whatever is added, removed and closed up', () => {
    const step = fc.record({ key, what: fc.constantFrom('add', 'add', 'add', 'remove', 'compact'), mark: fc.nat() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), fc.array(key), (steps, others) => {
        const checked = new Checked()
        for (const { key: text, what, mark } of steps) {
          if (what === 'add') checked.add(text, mark)
          else if (what === 'remove') checked.remove(text)
          else checked.compact()
        }
        checked.check([...steps.map((one) => one.key), ...others])
      }),
    )
  })

  test('keeps its own of 100,000 keys, of which most come and go', () => {
    const index = new KeyIndex()
    const slots = new Map<string, number>()
    for (let i = 0; i < 100_000; i++) {
      const bytes = Buffer.from(`key ${i}`)
      slots.set(`key ${i}`, index.add(bytes, 0, bytes.length))
      const gone = slots.get(`key ${i - 1_000}`)
      if (gone === undefined || i % 7 === 0) continue
      index.remove(gone)
      slots.delete(`key ${i - 1_000}`)
    }
    for (const [text, slot] of slots) expect(index.find(Buffer.from(text), 0, text.length)).toBe(slot)
    expect(index.size).toBe(slots.size)
    // Numbers and bytes of what has gone are used again.
    expect(index.used).toBeLessThan(slots.size + 2_000)
    expect(index.bytes.length).toBeLessThan(8 * 10 * slots.size)
  })

  test('leaves the bytes that somebody holds as they are', () => {
    const index = new KeyIndex()
    const first = index.add(Buffer.from('first'), 0, 5)
    const { bytes } = index
    const start = index.startOf(first)
    index.remove(first)
    for (let i = 0; i < 10_000; i++) index.add(Buffer.from(`key ${i}`), 0, `key ${i}`.length)
    for (let i = 0; i < 9_000; i++) index.remove(i)
    expect(Buffer.from(bytes.subarray(start, start + 5)).toString()).toBe('first')
  })
})

import { describe, expect, test } from 'vitest'
import { offHeap, Showcase } from '../src/off-heap.ts'

/** Around the length up to which V8 keeps arrays among its own objects. */
const ALL = [0, 1, 8, 63, 64, 65, 200].map((length) => Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 0xff))

describe('short bytes for native code', () => {
  test('are shown one after the other, each as it is', () => {
    const showcase = new Showcase()
    for (const bytes of ALL) expect([...showcase.show(bytes)]).toEqual([...bytes])
  })

  test('are copied to one place, and longer ones left where they are', () => {
    const copies = offHeap(ALL)
    expect(copies.map((copy) => [...copy])).toEqual(ALL.map((bytes) => [...bytes]))
    expect(copies.map((copy, i) => copy === ALL[i])).toEqual([false, false, false, false, false, true, true])
    const views = ALL.map((_, i) => new Uint8Array(new ArrayBuffer(80), i + 1, 8))
    expect(offHeap(views)).toBe(views)
    expect(new Set(copies.slice(0, 5).map(({ buffer }) => buffer)).size).toBe(1)
  })
})

import { describe, expect, test } from 'vitest'
import { EventIds } from '../src/event-ids.ts'

describe('ids of events', () => {
  test('are random UUIDs of version 4, each another, over several draws', () => {
    const ids = new EventIds()
    const made = Array.from({ length: 1_000 }, () => ids.next())
    for (const id of made) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set(made).size).toBe(made.length)
  })

  test('are made of the bytes that are drawn', () => {
    const ids = new EventIds((bytes) => bytes.fill(0xab))
    expect([ids.next(), ids.next()]).toEqual(Array.from({ length: 2 }, () => 'abababab-abab-4bab-abab-abababababab'))
  })

  test('vary in every place that is not fixed', () => {
    const ids = new EventIds()
    const made = Array.from({ length: 1_000 }, () => ids.next())
    for (let place = 0; place < 36; place++) {
      const letters = new Set(made.map((id) => id[place]))
      const fixed = [8, 13, 18, 23, 14].includes(place)
      expect([place, letters.size]).toEqual([place, fixed ? 1 : place === 19 ? 4 : 16])
    }
  })
})

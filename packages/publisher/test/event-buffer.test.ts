import { expect, test, vi } from 'vitest'
import { type BufferedEvent, EventBuffer } from '../src/event-buffer.ts'
import { Fifo } from '../src/fifo.ts'
import { Heap } from '../src/heap.ts'

test('a heap gives the lowest first, for a price that grows with the logarithm of how many there are', () => {
  let ranks = 0
  const heap = new Heap<number>((rank) => {
    ranks++
    return rank
  })
  const count = 4_096
  const shuffled = Array.from({ length: count }, (_, i) => (i * 2_731) % count)
  for (const rank of shuffled) heap.push(rank)
  const taken: number[] = []
  // Each that is taken comes back once, as the next of a key does.
  for (let first = heap.shift(); first !== undefined; first = heap.shift()) {
    taken.push(first)
    if (Number.isInteger(first)) heap.push(first + 0.5)
  }
  expect(taken).toEqual(Array.from({ length: 2 * count }, (_, i) => i / 2))
  expect(ranks).toBeLessThan(2 * count * (4 * Math.log2(count)))
})

interface Numbered extends BufferedEvent {
  readonly n: number
}

test('those that wait for room come in their order, of a key and of a topic, however many wait', () => {
  const keys = 2_000
  const buffer = new EventBuffer<Numbered>({ maxEvents: 3 * keys, maxBytes: 3 * keys, whenFull: 'wait' }, 1)
  const event = (n: number): Numbered => ({ n, id: String(n), type: 'a', topic: 'a', lane: `k${n % keys}`, bytes: 1, arrivedAt: n })
  const inside = Array.from({ length: 3 * keys }, (_, n) => event(n))
  expect(inside.every((one) => buffer.enter(one))).toBe(true)
  // Which makes the whole queue anew.
  const insert = vi.spyOn(Fifo.prototype, 'insert')
  const admitted: number[] = []
  // Two of each key wait: the second is ready when the first has room.
  for (let n = 0; n < 2 * keys; n++) buffer.enter(event(n))
  for (const one of inside) admitted.push(...buffer.leave(one).map(({ n }) => n))
  expect(admitted).toEqual(Array.from({ length: 2 * keys }, (_, n) => n))
  expect(insert).not.toHaveBeenCalled()
  expect([buffer.waiting, buffer.waitingSince]).toEqual([0, Infinity])
})

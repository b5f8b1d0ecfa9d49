import { expect, test } from 'vitest'
import { BusyShare } from '../../src/threads/busy-share.ts'

/** A loop whose times are told by hand. */
function looping() {
  let [idle, active] = [0, 0]
  const busy = new BusyShare(() => ({ idle, active }))
  return {
    look: () => busy.look(),
    pass: (idleMs: number, activeMs: number) => {
      idle += idleMs
      active += activeMs
    },
  }
}

test('who looks takes nothing from who looks next: a share is of seconds, not of the time between two questions', () => {
  const { look, pass } = looping()
  expect(look()).toBe(0)
  pass(4_500, 1_500)
  expect(look()).toBe(0.25)
  pass(0, 0.1)
  expect(look()).toBeCloseTo(0.25, 3)
  expect(look()).toBe(look())
  pass(0, 6_000)
  expect(look()).toBeCloseTo(1, 3)
})

test('who looks seldom is told of all since then', () => {
  const { look, pass } = looping()
  pass(45_000, 15_000)
  expect(look()).toBe(0.25)
  pass(30_000, 30_000)
  expect(look()).toBe(0.5)
})

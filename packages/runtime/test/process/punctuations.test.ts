import { describe, expect, test } from 'vitest'
import { Punctuations } from '../../src/process/punctuations.ts'

const nothing = () => undefined

describe('punctuations', () => {
  test('stream time is aligned to multiples of the interval, and fires as soon as there is data', () => {
    const punctuations = new Punctuations(() => 0)
    punctuations.schedule('node', 10, 'stream-time', nothing)
    expect(punctuations.nextDue('stream-time')).toBe(0)
    expect(punctuations.takeDue('stream-time', 23)?.node).toBe('node')
    expect(punctuations.nextDue('stream-time')).toBe(30)
    expect(punctuations.takeDue('stream-time', 29)).toBeUndefined()
  })

  test('intervals that were missed are made up by one call', () => {
    const punctuations = new Punctuations(() => 100)
    punctuations.schedule('node', 10, 'wall-clock', nothing)
    expect(punctuations.takeDue('wall-clock', 109)).toBeUndefined()
    expect(punctuations.takeDue('wall-clock', 155)).toBeDefined()
    expect(punctuations.takeDue('wall-clock', 155)).toBeUndefined()
    expect(punctuations.nextDue('wall-clock')).toBe(160)
  })

  test('the one that has waited longest comes first', () => {
    const punctuations = new Punctuations(() => 0)
    punctuations.schedule('slow', 50, 'wall-clock', nothing)
    punctuations.schedule('fast', 20, 'wall-clock', nothing)
    expect([1, 2, 3].map(() => punctuations.takeDue('wall-clock', 60)?.node)).toEqual(['fast', 'slow', undefined])
  })

  test('a cancelled schedule never fires', () => {
    const punctuations = new Punctuations(() => 0)
    const cancel = punctuations.schedule('node', 10, 'wall-clock', nothing)
    cancel()
    expect(punctuations.takeDue('wall-clock', 1_000)).toBeUndefined()
    expect(punctuations.nextDue('wall-clock')).toBe(Infinity)
  })

  test.each([0, -1, NaN, Infinity])('an interval of %s is refused by the name of the node', (everyMs) => {
    expect(() => new Punctuations(() => 0).schedule('clock', everyMs, 'wall-clock', nothing)).toThrow("Node 'clock'")
  })
})

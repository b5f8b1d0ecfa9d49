import { ManualClock } from '@millrace/core'
import { describe, expect, it } from 'vitest'

/** A clock whose timers write down their name and the time at which they fire. */
function recordingClock(start?: number) {
  const clock = new ManualClock(start)
  const fired: string[] = []
  const set = (name: string, delayMs: number) => clock.after(delayMs, () => fired.push(`${name} at ${clock.now()}`))
  return { clock, fired, set }
}

describe('ManualClock', () => {
  it('stands still until it is moved', () => {
    const clock = new ManualClock(1_000)
    expect([clock.now(), clock.monotonic()]).toEqual([1_000, 1_000])
    expect(new ManualClock().now()).toBe(0)
  })

  it('fires timers in the order of their times, ties in the order they were set, each at its time', async () => {
    const { clock, fired, set } = recordingClock(100)
    set('late', 30)
    set('early', 10)
    set('tie', 30)
    set('at once', -5)
    set('beyond', 51)
    await clock.advance(50)
    expect(fired).toEqual(['at once at 100', 'early at 110', 'late at 130', 'tie at 130'])
    expect(clock.now()).toBe(150)
  })

  it('fires a timer once, and one that was cancelled never', async () => {
    const { clock, fired, set } = recordingClock()
    set('kept', 10)
    const cancel = set('cancelled', 10)
    cancel()
    cancel()
    await clock.advance(10)
    await clock.advance(100)
    expect(fired).toEqual(['kept at 10'])
  })

  it('fires what a timer sets on the way', async () => {
    const { clock, fired, set } = recordingClock()
    clock.after(10, () => set('second', 10))
    await clock.advance(25)
    expect(fired).toEqual(['second at 20'])
  })

  it('waits, once a timer has fired, for what that sets off', async () => {
    const { clock, fired, set } = recordingClock()
    set('first', 10)
    set('second', 20)
    const seen: number[] = []
    await clock.advance(20, async () => {
      await Promise.resolve()
      seen.push(fired.length)
    })
    expect(seen).toEqual([1, 2])
  })
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { atMost } from '../src/at-most.ts'

test('work is done in order, as much at a time as is allowed, and its results are in that order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 8 }), fc.array(fc.nat(5), { maxLength: 30 }), async (limit, turns) => {
      let under = 0
      let most = 0
      const begun: number[] = []
      const results = await atMost(limit, turns.length, async (i) => {
        begun.push(i)
        most = Math.max(most, ++under)
        for (let turn = turns[i] as number; turn >= 0; turn--) await Promise.resolve()
        under--
        return i * 10
      })
      const all = turns.map((_, i) => i)
      expect(results).toEqual(all.map((i) => i * 10))
      expect(begun).toEqual(all)
      expect(most).toBe(Math.min(limit, turns.length))
    }),
  )
})

test('after a failure nothing more is begun, and what is under way ends first', async () => {
  const events: string[] = []
  let end: () => void = () => undefined
  const slow = new Promise<void>((resolve) => {
    end = resolve
  })
  const working = atMost(2, 5, async (i) => {
    events.push(`begin ${i}`)
    if (i === 1) {
      setImmediate(end)
      throw new Error('one')
    }
    await slow
    events.push(`end ${i}`)
  })
  await expect(working).rejects.toThrow('one')
  expect(events).toEqual(['begin 0', 'begin 1', 'end 0'])
})

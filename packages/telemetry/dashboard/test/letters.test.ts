import { expect, test } from 'vitest'
import { Letters } from '../src/letters.ts'
import type { DeadLetter, Live } from '../src/live.ts'

const answer = (instance: string, ...numbers: number[]) =>
  ({ instance, deadLetters: numbers.map((number) => ({ number }) as DeadLetter) }) as unknown as Live
const numbers = ({ deadLetters }: Live) => deadLetters.map(({ number }) => number)

test('each dead letter is there once, also when two answers tell of it', () => {
  const letters = new Letters()
  expect(letters.query).toBe('')
  expect(numbers(letters.complete(answer('a', 2, 1)))).toEqual([2, 1])
  expect(letters.query).toBe('?instance=a&after=2')
  // Both were asked for before either had come.
  expect(numbers(letters.complete(answer('a', 4, 3)))).toEqual([4, 3, 2, 1])
  expect(numbers(letters.complete(answer('a', 5, 4, 3)))).toEqual([5, 4, 3, 2, 1])
  expect(numbers(letters.complete(answer('b', 1)))).toEqual([1])
})

test('no more are kept than the application remembers', () => {
  const letters = new Letters()
  letters.complete(answer('a', ...Array.from({ length: 100 }, (_, i) => 100 - i)))
  const { deadLetters } = letters.complete(answer('a', 102, 101))
  expect(deadLetters).toHaveLength(100)
  expect(deadLetters[0]?.number).toBe(102)
})

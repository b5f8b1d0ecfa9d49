import { expect, test } from 'vitest'
import { TypedLines } from '../../src/dev/typed-lines.ts'

test('what is typed is kept for when the application begins anew, and of very much the last 10,000 lines', () => {
  const typed = new TypedLines()
  for (const line of ['a', 'b']) typed.add(line)
  expect(typed.kept).toEqual(['a', 'b'])
  for (let i = 0; i < 45_000; i++) typed.add(String(i))
  expect(typed.kept).toHaveLength(10_000)
  expect([typed.kept[0], typed.kept.at(-1)]).toEqual(['35000', '44999'])
})

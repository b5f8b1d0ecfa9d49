import { expect, test } from 'vitest'
import { allocatedBytes } from '../src/harness/allocated-bytes.ts'

const ELEMENTS = 100
/** A pointer or a number of eight bytes each, and the array's own header. */
const ARRAY_BYTES = 8 * ELEMENTS + 16
let kept: unknown

async function bytesOfArrays(count: number): Promise<number> {
  return allocatedBytes(() => {
    for (let i = 0; i < count; i++) kept = new Array(ELEMENTS).fill(i)
  })
}

test('counts what was allocated over many collections, and not what is left of it', async () => {
  await bytesOfArrays(1_000)
  const each = (await bytesOfArrays(1_000_000)) / 1_000_000
  expect(kept).toHaveLength(ELEMENTS)
  expect(each).toBeGreaterThanOrEqual(ARRAY_BYTES)
  expect(each).toBeLessThan(ARRAY_BYTES + 100)
})

test('does not count what the preparation allocated', async () => {
  const prepared: unknown[] = []
  const work = () => {
    kept = prepared.length
  }
  await allocatedBytes(work)
  const bytes = await allocatedBytes(work, () => {
    for (let i = 0; i < 10_000; i++) prepared.push(new Array(ELEMENTS).fill(i))
  })
  expect(bytes).toBeLessThan(1_000_000)
})

import { expect, test } from 'vitest'
import { heapLimits } from '../../src/index.ts'

const MIB = 1_048_576

test('the young generation of a bounded heap is small enough for its thread to end by itself', () => {
  expect(heapLimits(96 * MIB)).toEqual({ maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 6 })
  expect(heapLimits(4_096 * MIB)).toEqual({ maxOldGenerationSizeMb: 4_096, maxYoungGenerationSizeMb: 24 })
})

import { MemoryBudget, RECORD_MEMORY_BYTES } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { ReadBuffer } from '../../src/source/read-buffer.ts'
import { partitionQueue, wireBatch } from '../support/wire.ts'

const unlimited = { maxRecords: Infinity, maxBytes: Infinity, memoryBudgetBytes: Infinity }
/** Two bytes each, with its key. */
const rows = (count: number) => Array.from({ length: count }, () => ({ value: 'x' }))

describe('the buffer of what was read', () => {
  test.each([
    ['records', { maxRecords: 4 }],
    ['bytes', { maxBytes: 8 }],
    ['memory', { memoryBudgetBytes: 4 * (2 + RECORD_MEMORY_BYTES) }],
  ])('is full by %s of all queues together, and has room again once they are processed or handed back', (_, limit) => {
    const buffer = new ReadBuffer({ ...unlimited, ...limit })
    const [a, b] = [partitionQueue({ buffer }), partitionQueue({ buffer })]
    a.append(wireBatch(rows(3)), 0)
    expect(buffer.full).toBe(false)
    b.append(wireBatch(rows(1)), 0)
    expect(buffer.full).toBe(true)
    expect([buffer.holdsShare(a, 2), buffer.holdsShare(b, 2)]).toEqual([true, false])
    a.peek(1, 'records', -1)
    a.drop(1)
    expect(buffer.full).toBe(false)
    b.append(wireBatch(rows(1), { firstOffset: 1 }), 0)
    expect(buffer.full).toBe(true)
    b.clear()
    b.clear()
    expect(buffer.full).toBe(false)
    a.append(wireBatch(rows(2), { firstOffset: 3 }), 0)
    expect(buffer.full).toBe(true)
  })
})

describe('a memory budget', () => {
  test('is spent once all that was taken reaches its limit', () => {
    const budget = new MemoryBudget(10)
    budget.take(9)
    expect([budget.usedBytes, budget.spent]).toEqual([9, false])
    budget.take(2)
    expect(budget.spent).toBe(true)
    budget.giveBack(2)
    expect([budget.usedBytes, budget.spent]).toEqual([9, false])
  })
})

import { BatcherFailed, deferred, MemoryBudget } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { settle } from '../support/settle.ts'
import { unhandledIn } from '../support/unhandled-in.ts'
import { appendAll, batcherOf, upTo } from './support/batcher-of.ts'

describe('what is appended without waiting for it', () => {
  test('is told by flush if the batcher fails, and ends no process', async () => {
    const unhandled = await unhandledIn(async () => {
      const { batcher, advance } = batcherOf({ size: 1, maxRetries: 0 }, { maxInFlightBatches: 1 }, () => {
        throw new Error('no')
      })
      void batcher.append(1)
      void batcher.append(2)
      await advance(0)
      await expect(batcher.flush()).rejects.toMatchObject({ unprocessed: [1, 2] })
    })
    expect(unhandled).toEqual([])
  })

  test.each([
    ['has no size', () => Number.NaN, 'sizeOf said NaN bytes'],
    [
      'can not be measured',
      () => {
        throw new Error('no text')
      },
      'no text',
    ],
  ])('is heard of if it %s: it was not taken', async (_, sizeOf, message) => {
    const unhandled = await unhandledIn(async () => {
      const { batcher, batches } = batcherOf({}, { sizeOf: (item) => (item === 2 ? sizeOf() : 1) })
      for (const item of [1, 2, 3]) void batcher.append(item)
      await batcher.close()
      expect(batches.map(({ items }) => items)).toEqual([[1, 3]])
    })
    expect(unhandled).toMatchObject([{ message: expect.stringContaining(message) as string }])
  })

  test('is heard of if the batcher was closed before', async () => {
    const unhandled = await unhandledIn(async () => {
      const { batcher } = batcherOf({})
      await batcher.close()
      void batcher.append(1)
    })
    expect(unhandled).toMatchObject([{ code: 'BATCHER_CLOSED' }])
  })

  test('is heard of if the batcher had failed before: it is in no list of what was not processed', async () => {
    const unhandled = await unhandledIn(async () => {
      const { batcher, advance } = batcherOf({ size: 1, maxRetries: 0 }, {}, () => {
        throw new Error('no')
      })
      void batcher.append(1)
      await advance(0)
      void batcher.append(2)
    })
    expect(unhandled).toEqual([expect.any(BatcherFailed)])
    expect(unhandled).toMatchObject([{ unprocessed: [1] }])
  })
})

describe('memory that is shared with others', () => {
  /** Another batcher, which holds all of the memory until its gate is open. */
  async function crowded() {
    const memory = new MemoryBudget(1_000)
    const gate = deferred<void>()
    const other = batcherOf({ size: 5, timeoutMs: 0 }, { memory }, () => gate.promise)
    void appendAll(other.batcher, upTo(5))
    await settle()
    expect(memory.spent).toBe(true)
    return { memory, gate, other }
  }

  test('keeps no append waiting whose batcher is closed: its item is processed', async () => {
    const { memory, gate, other } = await crowded()
    const { batcher, batches } = batcherOf({}, { memory })
    const appended = batcher.append(1)
    await batcher.close()
    await appended
    expect(batches.map(({ items }) => items)).toEqual([[1]])
    gate.resolve()
    await other.batcher.close()
    expect(memory.usedBytes).toBe(0)
  })

  test('is no room for who waits in a batcher that gives it back as it fails', async () => {
    const memory = new MemoryBudget(1_000)
    const gate = deferred<void>()
    const { batcher } = batcherOf({ size: 100, timeoutMs: 0, maxRetries: 0 }, { memory }, async () => {
      await gate.promise
      throw new Error('no')
    })
    const appended = Promise.allSettled(appendAll(batcher, upTo(5)))
    await settle()
    gate.resolve()
    const last = (await appended).at(-1)
    expect(last).toMatchObject({ status: 'rejected', reason: { code: 'BATCHER_FAILED', unprocessed: upTo(5) } })
    expect(memory.usedBytes).toBe(0)
  })

  test('is forgotten by a batcher that has failed', async () => {
    const memory = new ListenedTo(1_000)
    const { batcher, advance } = batcherOf({ size: 1, maxRetries: 0 }, { memory }, () => {
      throw new Error('no')
    })
    expect(memory.listeners).toBe(1)
    void batcher.append(1)
    await advance(0)
    expect(memory.listeners).toBe(0)
  })
})

/** Counts who listens. */
class ListenedTo extends MemoryBudget {
  listeners = 0

  override onChange(listener: () => void): () => void {
    const stop = super.onChange(listener)
    this.listeners++
    return () => {
      this.listeners--
      stop()
    }
  }
}

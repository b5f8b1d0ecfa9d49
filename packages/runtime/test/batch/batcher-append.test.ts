import { BatcherFailed } from '@millrace/runtime'
import { describe, expect, test } from 'vitest'
import { unhandledIn } from '../support/unhandled-in.ts'
import { batcherOf } from './support/batcher-of.ts'

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

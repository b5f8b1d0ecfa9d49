import type { ProcessorContext, StreamRecord } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { ProcessingError } from '../../src/process/processing-error.ts'
import { batchOf, DrivenNode } from './support/driving.ts'

const outcome = (...failed: readonly unknown[]) => ({ processBatch: () => Promise.resolve({ failed }) })

describe('a batch processor', () => {
  test('that says nothing has no failures', async () => {
    expect((await new DrivenNode({ processBatch: () => undefined }).drive(batchOf(['a']))).failed).toEqual([])
    expect((await new DrivenNode(outcome()).drive(batchOf(['a']))).failed).toEqual([])
  })

  test('tells which records failed: each once, in the order of the batch', async () => {
    const node = new DrivenNode(outcome({ index: 2, error: 'c' }, { index: 0, error: 'a' }, { index: 2, error: 'again' }))
    const { failed } = await node.drive(batchOf(['a', 'b', 'c']))
    expect(failed).toEqual([
      { index: 0, error: 'a' },
      { index: 2, error: 'c' },
    ])
  })

  test.each([
    [{ index: 2, error: 'x' }, 'record 2 of the batch has failed; use an index, a whole number from 0 to 1'],
    [{ index: -1, error: 'x' }, 'record -1 of the batch'],
    [{ index: 0.5, error: 'x' }, 'record 0.5 of the batch'],
    [{ error: 'x' }, 'record undefined of the batch'],
    [null, 'record undefined of the batch'],
  ])('that names a record which is not there (%j) fails as a whole, with its name', async (failure, message) => {
    const driving = new DrivenNode(outcome(failure)).drive(batchOf(['a', 'b']))
    await expect(driving).rejects.toThrow(ProcessingError)
    await expect(driving).rejects.toThrow(/^Node 'node' failed in a batch of 2 records of in-0, offsets 100 to 101: its outcome says that/)
    await expect(driving).rejects.toThrow(message)
  })

  test.each(['fail', 'failures', 'errors'])(
    'that says %s in place of failed fails as a whole, and is told how it is written',
    async (name) => {
      const node = new DrivenNode({ processBatch: () => ({ [name]: [{ index: 0, error: 'x' }] }) as never })
      await expect(node.drive(batchOf(['a']))).rejects.toThrow(
        `its outcome says ${name}; use failed: return { failed: [{ index, error }] }, or nothing.`,
      )
    },
  )

  test('whose failed is no list fails as a whole', async () => {
    const node = new DrivenNode({ processBatch: () => ({ failed: 3 }) })
    await expect(node.drive(batchOf(['a']))).rejects.toThrow('its outcome says failed, but not as a list of { index, error }.')
  })
})

describe('a processor of single records', () => {
  test('stops at the first error, which names the record', async () => {
    const seen: unknown[] = []
    const node = new DrivenNode((record: StreamRecord<unknown, unknown>) => {
      seen.push(record.key)
      if (record.key === 'b') throw new Error('bad')
    })
    await expect(node.drive(batchOf(['a', 'b', 'c']))).rejects.toMatchObject({
      message: "Node 'node' failed at in-0, offset 101: bad",
      offset: 101,
    })
    expect(seen).toEqual(['a', 'b'])
  })

  test('forwards columns for its record, whatever sources they name', async () => {
    const node = new DrivenNode((record: StreamRecord<unknown, unknown>, context: ProcessorContext<unknown, unknown>) =>
      context.forwardBatch({ keys: [record.key, record.key], values: [1, 2], sources: [0, 0] }),
    )
    const { output } = await node.drive(batchOf(['a', 'b']))
    const batch = output()
    expect([0, 1, 2, 3].map((i) => batch?.offset(i))).toEqual([100, 100, 101, 101])
  })
})

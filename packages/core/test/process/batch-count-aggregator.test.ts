import { BatchCountAggregator, BatchRecordError, defineKeyValueStore, type RecordBatch, type Serde, serdes } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyBatch, batchOf } from '../support/batches.ts'
import { MapStore } from '../support/map-store.ts'
import { RecordingContext } from '../support/recording-context.ts'

function countsBy<K>(key: Serde<K>) {
  return defineKeyValueStore({
    name: 'counts',
    key,
    value: serdes.safeInt64,
    access: 'async',
    open: () => Promise.reject(new Error('Nobody opens this.')),
  })
}

/** Runs batches through an aggregator and gives back what each forwarded, as [key, count, source]. */
async function count<K>(key: Serde<K>, batches: readonly RecordBatch<K, unknown>[], emit?: 'every-record' | 'last-per-key') {
  const definition = countsBy(key)
  const store = new MapStore(key)
  const aggregator = new BatchCountAggregator(definition, { emit })
  const forwarded: (readonly [unknown, unknown, number])[][] = []
  for (const batch of batches) {
    const context = new RecordingContext(batch, { stores: new Map([[definition, store]]) })
    await aggregator.processBatch(batch, context)
    forwarded.push(context.forwarded.map((one) => [one.key, one.value, one.source] as const))
  }
  return { forwarded, calls: store.calls }
}

const words = (...keys: readonly string[]) => batchOf(keys.map((key) => ({ key, value: null })))

describe('BatchCountAggregator', () => {
  it('forwards the count so far for every record, in order, over batches', async () => {
    const { forwarded } = await count(serdes.string, [words('a', 'b', 'a'), words('a')])
    expect(forwarded).toEqual([
      [
        ['a', 1, 0],
        ['b', 1, 1],
        ['a', 2, 2],
      ],
      [['a', 3, 0]],
    ])
  })

  it('forwards the last count of each key where asked to, in the order of their last records', async () => {
    const { forwarded } = await count(serdes.string, [words('a', 'b', 'c', 'a', 'b')], 'last-per-key')
    expect(forwarded).toEqual([
      [
        ['c', 1, 2],
        ['a', 2, 3],
        ['b', 2, 4],
      ],
    ])
  })

  it('asks the store once a batch', async () => {
    const { calls } = await count(serdes.string, [words('a', 'b', 'a'), words('c')])
    expect(calls).toEqual(['update 3', 'update 1'])
  })

  it('counts the same however the records are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyBatch, { maxLength: 4 }), async (batches) => {
        const keys = batches.flatMap((batch) => [...batch.keys])
        const { forwarded } = await count(serdes.string, batches)
        const { forwarded: single } = await count(
          serdes.string,
          keys.map((key) => words(key)),
        )
        const pairs = (all: typeof forwarded) => all.flat().map(([key, value]) => [key, value])
        expect(pairs(forwarded)).toEqual(pairs(single))
      }),
    )
  })

  it('tells keys apart by their bytes where the serde does not promise that === does', async () => {
    const { forwarded } = await count(serdes.json<{ id: number }>(), [batchOf([1, 2, 1].map((id) => ({ key: { id }, value: null })))])
    expect(forwarded[0]?.map(([, value]) => value)).toEqual([1, 1, 2])
    const zeros = await count(serdes.float64, [batchOf([0, -0, 0, Number.NaN, Number.NaN].map((key) => ({ key, value: null })))])
    expect(zeros.forwarded[0]?.map(([, value]) => value)).toEqual([1, 1, 2, 1, 2])
  })

  it('keeps timestamps and headers of the record that is counted', async () => {
    const headers = [{ key: 'trace', value: Uint8Array.of(1) }]
    const batch = batchOf([
      { key: 'a', value: 0, timestamp: 5 },
      { key: 'a', value: 0, timestamp: 3, headers },
    ])
    for (const emit of ['every-record', 'last-per-key'] as const) {
      const definition = countsBy(serdes.string)
      const context = new RecordingContext(batch, { stores: new Map([[definition, new MapStore(serdes.string)]]) })
      await new BatchCountAggregator(definition, { emit }).processBatch(batch, context)
      expect(context.forwarded.at(-1)).toMatchObject({ timestamp: 3, headers })
    }
  })

  it.each([[null], [undefined]])('refuses the key %s, naming the record', async (key) => {
    const batch = batchOf<string, number>([
      { key: 'a', value: 0 },
      { key: key as never, value: 0 },
    ])
    const failed = count(serdes.string, [batch])
    await expect(failed).rejects.toBeInstanceOf(BatchRecordError)
    await expect(failed).rejects.toMatchObject({ index: 1, cause: { code: 'KEY_MISSING' } })
  })

  it('names the record whose key has no bytes', async () => {
    const key = serdes.json<unknown>()
    const batch = batchOf([
      { key: 1 as unknown, value: 0 },
      { key: () => 1, value: 0 },
    ])
    await expect(count(key, [batch])).rejects.toMatchObject({ index: 1, cause: { code: 'SERIALIZATION_FAILED' } })
  })

  it('refuses a way of emitting that there is not', () => {
    expect(() => new BatchCountAggregator(countsBy(serdes.string), { emit: 'sometimes' as never })).toThrow(TypeError)
  })
})

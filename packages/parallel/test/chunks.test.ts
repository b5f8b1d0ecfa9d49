import { ColumnBatch } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chunkOf, cutRows } from '../src/chunks.ts'

describe('rows of a batch', () => {
  test('are cut into chunks without a gap, in order, of the size that is asked for', () => {
    fc.assert(
      fc.property(
        fc.nat(2_000),
        fc.integer({ min: 1, max: 64 }),
        fc.option(fc.integer({ min: 1, max: 3_000 })),
        (length, threads, size) => {
          const chunks = cutRows(length, threads, size ?? undefined)
          expect(chunks.flat()).toEqual(Array.from({ length }, (_, i) => i))
          const limit = size ?? Math.max(1, Math.ceil(length / (4 * threads)))
          for (const chunk of chunks) expect(chunk.length).toBeLessThanOrEqual(limit)
          for (const chunk of chunks.slice(0, -1)) expect(chunk.length).toBe(limit)
        },
      ),
    )
  })
})

describe('a chunk', () => {
  test('holds its bytes in a buffer of its own, which is no larger than they are', () => {
    const bytes = fc.uint8Array({ maxLength: 20 }).map((own) => new Uint8Array([9, ...own, 9]).subarray(1, own.length + 1))
    const value = fc.oneof(bytes, fc.string(), fc.constant(null))
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value, fc.option(bytes)), { minLength: 1, maxLength: 12 }), fc.nat(11), (records, first) => {
        const rows = records.map((_, i) => i).slice(Math.min(first, records.length - 1))
        const batch = new ColumnBatch({
          topic: 't',
          partition: 0,
          trigger: 'records',
          keys: records.map(([key]) => key),
          values: records.map(([, one]) => one),
          timestamps: records.map((_, i) => 50 + i),
          offsets: records.map((_, i) => i),
          headers: records.map(([, , header]) => (header === null ? [] : [{ key: 'h', value: header }])),
        })
        const { chunk, buffer } = chunkOf(batch, rows, false)
        expect(chunk.keys).toEqual(rows.map((row) => batch.keys[row]))
        expect(chunk.values).toEqual(rows.map((row) => batch.values[row]))
        expect([...chunk.timestamps]).toEqual(rows.map((row) => 50 + row))
        const hasHeaders = rows.some((row) => batch.headers(row).length > 0)
        expect(chunk.headers).toEqual(hasHeaders ? rows.map((row) => batch.headers(row)) : undefined)
        const packed = [...chunk.keys, ...chunk.values, ...(chunk.headers ?? []).flat().map((one) => one.value)]
        const views = packed.filter((one) => one instanceof Uint8Array)
        for (const view of views) expect(view.buffer).toBe(buffer)
        expect(buffer.byteLength).toBe(views.reduce((sum, { byteLength }) => sum + byteLength, 0))
      }),
    )
  })
})

import type { BatchProcessor, ProcessorSupplier } from '@millrace/core'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { parallelBatch } from '../src/index.ts'
import type { odd, repeat } from './modules/functions.mjs'
import type { length } from './modules/typed.ts'
import { functions, runsTypeScript, start } from './support/run.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

describe('what a parallel batch processor forwards', () => {
  test.each([undefined, 1, 3, 1_000])('is in the order of the records, with chunks of %s', async (chunkSize) => {
    await using running = await start('default', { chunkSize })
    for (const count of [1, 2, 57]) {
      const { records, outcome } = await running.run(upTo(count))
      expect(records).toEqual(upTo(count).map((i) => [`k${i}`, i * 2, i]))
      expect(outcome).toBeUndefined()
    }
  })

  test('is in that order also where functions end in another', async () => {
    await using running = await start('later', { chunkSize: 2 })
    const { records } = await running.run(upTo(40))
    expect(records).toEqual(upTo(40).map((i) => [`k${i}`, i, i]))
  })

  test('may be several records for one, each of which names its source', async () => {
    await using running = await start('repeat', { chunkSize: 2 })
    const { records } = await running.run([2, 0, 3, 1, 0])
    expect(records).toEqual([
      ['k0', '2.0', 0],
      ['k0', '2.1', 0],
      ['k2', '3.0', 2],
      ['k2', '3.1', 2],
      ['k2', '3.2', 2],
      ['k3', '1.0', 3],
    ])
  })

  test('may be less than came, or nothing', async () => {
    await using running = await start('odd', { chunkSize: 3 })
    expect((await running.run(upTo(9))).records.map(([, value]) => value)).toEqual([1, 3, 5, 7])
    expect(await running.run([0, 2, 4])).toEqual({ outcome: undefined, records: [], columns: undefined })
  })

  test('has the timestamp of its source and no headers, unless the function says otherwise', async () => {
    await using running = await start('stamped', { chunkSize: 1 })
    const headers = [
      [
        { key: 'a', value: Uint8Array.of(1, 2) },
        { key: 'b', value: null },
      ],
      [],
    ]
    const { columns } = await running.run([5, 6], { headers })
    expect(columns?.timestamps).toEqual([1_000, 1_001, 1_001, 1_002])
    const added = { key: 'added', value: Uint8Array.of(7) }
    expect(columns?.headers).toEqual([undefined, [...(headers[0] ?? []), added], undefined, [added]])
  })

  test('comes from a module in CommonJS too', async () => {
    const module = new URL('./modules/common.cjs', import.meta.url)
    for (const name of ['default', 'triple']) {
      await using running = await start(name, { module, threads: 1 })
      expect((await running.run([1, 2])).records.map(([, value]) => value)).toEqual([3, 6])
    }
  })

  test('comes from a module in TypeScript where Node runs that in threads; elsewhere the start says what to do', async () => {
    const values = async () => {
      await using running = await start('length', { module: new URL('./modules/typed.ts', import.meta.url), threads: 1 })
      return (await running.run(['to', 'be'])).records.map(([, value]) => value)
    }
    const expected = runsTypeScript ? [2, 2] : 'This Node runs no TypeScript in threads: name the compiled module.'
    expect(await values().catch((error: unknown) => String(error).slice(String(error).indexOf('This Node')))).toEqual(expected)
  })
})

describe('bytes', () => {
  test('go to threads as copies, however small a part of their buffer they are', async () => {
    const wire = Uint8Array.from({ length: 64 }, (_, i) => i)
    const part = (from: number) => wire.subarray(from, from + 2)
    await using running = await start('bytes', { chunkSize: 2 })
    const { records } = await running.run([part(10), part(20), part(30)], {
      keys: [part(1), part(3), part(5)],
      headers: [[{ key: 'h', value: part(40) }], [], []],
    })
    expect(records).toEqual([
      [Uint8Array.of(1, 2), { isBytes: true, bytes: [10, 11], header: [40, 41] }, 0],
      [Uint8Array.of(3, 4), { isBytes: true, bytes: [20, 21], header: [] }, 1],
      [Uint8Array.of(5, 6), { isBytes: true, bytes: [30, 31], header: [] }, 2],
    ])
    expect(wire.byteLength).toBe(64)
  })

  test('come back without the rest of their buffer', async () => {
    await using running = await start('smallPart')
    const { records } = await running.run([4])
    const value = records[0]?.[1] as Uint8Array
    expect(value).toEqual(Uint8Array.of(4, 4, 4))
    expect(value.buffer.byteLength).toBe(3)
  })
})

test('its types are those of the function', () => {
  type Takes<KIn, VIn, KOut, VOut> = ProcessorSupplier<BatchProcessor<KIn, VIn, KOut, VOut>>
  const options = { module: functions }
  expectTypeOf(parallelBatch<typeof repeat>(options)).toEqualTypeOf<Takes<string, number, string, string>>()
  expectTypeOf(parallelBatch<typeof odd>(options)).toEqualTypeOf<Takes<string, number, string, number>>()
  expectTypeOf(parallelBatch<typeof length>(options)).toEqualTypeOf<Takes<string, string, string, number>>()
  // @ts-expect-error -- it returns no record
  parallelBatch<(record: { value: string }) => string>(options)
})

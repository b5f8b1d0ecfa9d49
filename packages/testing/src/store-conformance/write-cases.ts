import { viewColumn } from '@millrace/core'
import type { StoreConformanceCase } from './conformance-case.ts'
import { bytes, numbers, put, remove } from './store-bench.ts'

export const writeCases: readonly StoreConformanceCase[] = [
  {
    name: 'writes: changes of one write take effect in order',
    async run(bench) {
      const store = await bench.open()
      await store.write([
        put(bytes(1), bytes(1)),
        put(bytes(1), bytes(2)),
        put(bytes(2), bytes(1)),
        remove(bytes(2)),
        remove(bytes(3)),
        put(bytes(3), bytes(3)),
      ])
      await bench.valuesAre(store, [bytes(1), bytes(2), bytes(3)], [bytes(2), undefined, bytes(3)])
      await bench.rowsAre(store, [
        [bytes(1), bytes(2)],
        [bytes(3), bytes(3)],
      ])
    },
  },
  {
    name: 'writes: later ones replace and delete what earlier ones left',
    async run(bench) {
      const store = await bench.open()
      await store.write([put(bytes(1), bytes(1)), put(bytes(2), bytes(1))])
      await store.write([remove(bytes(1)), put(bytes(2), bytes(2)), remove(bytes(9))])
      await bench.valuesAre(store, [bytes(1), bytes(2), bytes(9)], [undefined, bytes(2), undefined])
      await bench.rowsAre(store, [[bytes(2), bytes(2)]])
    },
  },
  {
    name: 'writes: given arrays are neither kept nor changed',
    async run(bench) {
      const store = await bench.open()
      const key = bytes(1, 2)
      const value = bytes(3, 4)
      const metadata = bytes(5, 6)
      await store.write([put(key, value)], metadata)
      bench.assert.deepEqual(
        [numbers(key), numbers(value), numbers(metadata)],
        [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
      )
      key.fill(0)
      value.fill(0)
      metadata.fill(0)
      await bench.rowsAre(store, [[bytes(1, 2), bytes(3, 4)]])
      bench.assert.deepEqual(numbers(await store.metadata()), [5, 6])
    },
  },
  {
    name: 'writes: views into larger buffers are taken as the bytes they show',
    async run(bench) {
      const store = await bench.open()
      const buffer = bytes(9, 1, 2, 9, 3, 4, 9)
      await store.write([put(buffer.subarray(1, 3), buffer.subarray(4, 6))], buffer.subarray(3, 5))
      await bench.rowsAre(store, [[bytes(1, 2), bytes(3, 4)]])
      await bench.valuesAre(store, [buffer.subarray(1, 3)], [bytes(3, 4)])
      bench.assert.deepEqual(numbers(await store.metadata()), [9, 3])
    },
  },
  {
    name: 'writes: columns, where they are taken, are the changes that they stand for',
    async run(bench) {
      const store = await bench.open()
      if (store.writeColumns === undefined) return
      await store.write([put(bytes(4), bytes(4)), put(bytes(5), bytes(5))])
      const long = new Uint8Array(100).fill(6)
      const packed = { form: 'packed', length: 3, bytes: bytes(9, 1, 2, 4, 9), starts: [1, 3, 4], ends: [3, 4, 4] } as const
      const values = { form: 'packed', length: 3, bytes: bytes(7, 8), starts: [1, 0, 1], ends: [2, -1, 1] } as const
      await store.writeColumns(packed, values, bytes(1))
      await store.writeColumns(viewColumn([long, bytes(5)]), viewColumn([long, null]))
      await bench.rowsAre(store, [
        [bytes(), bytes()],
        [bytes(1, 2), bytes(8)],
        [long, long],
      ])
      await bench.valuesAre(store, [bytes(), bytes(1, 2), bytes(4), bytes(5), long], [bytes(), bytes(8), undefined, undefined, long])
      bench.assert.deepEqual(numbers(await store.metadata()), [1])
      // Of these, some may be where a store keeps what is its own.
      const keys = Array.from({ length: 256 }, (_, first) => bytes(first, 255, 77, 105, 108, 108, 114, 97, 99, 101))
      await store.writeColumns(viewColumn(keys), viewColumn(keys))
      await bench.valuesAre(store, keys, keys)
      bench.assert.deepEqual(numbers(await store.metadata()), [1])
    },
  },
  {
    name: 'writes: one without changes leaves everything as it is',
    async run(bench) {
      const store = await bench.open()
      await store.write([put(bytes(1), bytes(1))], bytes(7))
      await store.write([])
      await bench.rowsAre(store, [[bytes(1), bytes(1)]])
      bench.assert.deepEqual(numbers(await store.metadata()), [7])
    },
  },
  {
    name: 'metadata: is replaced by the next, and kept by writes without',
    async run(bench) {
      const store = await bench.open()
      await store.write([], bytes(1, 0, 255))
      bench.assert.deepEqual(numbers(await store.metadata()), [1, 0, 255])
      await store.write([put(bytes(1), bytes(1))])
      bench.assert.deepEqual(numbers(await store.metadata()), [1, 0, 255])
      await store.write([remove(bytes(1))], bytes())
      bench.assert.deepEqual(numbers(await store.metadata()), [])
    },
  },
  {
    name: 'metadata: is no entry, whatever is read, and no entry can touch it',
    async run(bench) {
      const store = await bench.open()
      const metadata = bytes(42)
      await store.write([], metadata)
      await bench.rowsAre(store, [])
      await bench.rowsAre(store, [], { reverse: true })
      const keys = [bytes()]
      for (let first = 0; first < 256; first++) keys.push(bytes(first), bytes(first, 0), bytes(first, 255))
      await bench.valuesAre(
        store,
        keys,
        keys.map(() => undefined),
      )
      await store.write(keys.map((key) => put(key, bytes(1))))
      await store.write(keys.map((key) => remove(key)))
      await bench.rowsAre(store, [])
      bench.assert.deepEqual(numbers(await store.metadata()), [42])
    },
  },
]

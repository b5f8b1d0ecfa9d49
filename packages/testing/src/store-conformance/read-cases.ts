import type { StoreConformanceCase } from './conformance-case.ts'
import { bytes, numbers, put } from './store-bench.ts'

export const readCases: readonly StoreConformanceCase[] = [
  {
    name: 'reads: what was never written is undefined',
    async run(bench) {
      const store = await bench.open()
      await bench.valuesAre(store, [bytes(1), bytes()], [undefined, undefined])
      bench.assert.deepEqual(await store.getMany([]), [])
      await bench.rowsAre(store, [])
      bench.assert.equal(await store.metadata(), undefined)
      bench.assert.equal(await store.approximateSize(), 0)
    },
  },
  {
    name: 'reads: answers come by position, for keys that repeat and keys that are missing',
    async run(bench) {
      const store = await bench.open()
      await store.write([put(bytes(1), bytes(10)), put(bytes(2), bytes(20))])
      await bench.valuesAre(
        store,
        [bytes(2), bytes(3), bytes(1), bytes(2), bytes(3)],
        [bytes(20), undefined, bytes(10), bytes(20), undefined],
      )
    },
  },
  {
    name: 'reads: keys and values are any bytes, none included',
    async run(bench) {
      const store = await bench.open()
      const keys = [
        bytes(),
        bytes(0),
        bytes(0, 0),
        bytes(0xff),
        bytes(0xff, 0xff),
        bytes(0x80),
        bytes(0xc3, 0x28),
        new Uint8Array(5_000).fill(7),
      ]
      await store.write(keys.map((key, i) => put(key, bytes(i))))
      await bench.valuesAre(
        store,
        keys,
        keys.map((_, i) => bytes(i)),
      )
      await store.write([put(bytes(1), bytes()), put(bytes(2), new Uint8Array(100_000).fill(9))])
      await bench.valuesAre(store, [bytes(1), bytes(2)], [bytes(), new Uint8Array(100_000).fill(9)])
    },
  },
  {
    name: 'reads: what was read stays as it is when the store changes',
    async run(bench) {
      const store = await bench.open()
      await store.write([put(bytes(1), bytes(10))], bytes(1))
      const [before] = await store.getMany([bytes(1)])
      const direct = store.get?.(bytes(1))
      const metadata = await store.metadata()
      await store.write([put(bytes(1), bytes(11))], bytes(2))
      bench.assert.deepEqual(numbers(before), [10])
      bench.assert.deepEqual(numbers(metadata), [1])
      if (direct !== undefined) bench.assert.deepEqual(numbers(direct), [10])
    },
  },
  {
    name: 'reads: many keys at once',
    async run(bench) {
      const store = await bench.open()
      const keys = Array.from({ length: 1_000 }, (_, i) => bytes(i >> 8, i & 255))
      await store.write(keys.flatMap((key, i) => (i % 3 === 0 ? [] : [put(key, bytes(i & 255))])))
      await bench.valuesAre(store, keys.toReversed(), keys.map((_, i) => (i % 3 === 0 ? undefined : bytes(i & 255))).toReversed())
    },
  },
]

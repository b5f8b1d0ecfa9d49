import type { StoreConformanceCase } from './conformance-case.ts'
import { allRows, bytes, numbers, put, remove } from './store-bench.ts'

export const lifecycleCases: readonly StoreConformanceCase[] = [
  {
    name: 'closing: twice does no harm, disposal included',
    async run(bench) {
      const store = await bench.open()
      await store.write([put(bytes(1), bytes(1))])
      await store.close()
      await store.close()
      await store[Symbol.asyncDispose]()
    },
  },
  {
    name: 'closing: does not wait for scans that nobody reads on',
    async run(bench) {
      const store = await bench.open()
      await store.write([put(bytes(1), bytes(1)), put(bytes(2), bytes(2))])
      const iterator = store.scan({}, 1)[Symbol.asyncIterator]()
      await iterator.next()
      await store.close()
    },
  },
  {
    name: 'closing: operations are refused afterwards with STORE_CLOSED, and so is the rest of a scan',
    async run(bench) {
      const store = await bench.open()
      await store.write([put(bytes(1), bytes(1)), put(bytes(2), bytes(2))], bytes(1))
      const scan = store.scan({}, 1)[Symbol.asyncIterator]()
      await scan.next()
      await store.close()
      await bench.refusedWith('STORE_CLOSED', () => store.getMany([bytes(1)]))
      await bench.refusedWith('STORE_CLOSED', () => store.write([put(bytes(1), bytes(2))]))
      await bench.refusedWith('STORE_CLOSED', () => store.metadata())
      await bench.refusedWith('STORE_CLOSED', () => store.approximateSize())
      await bench.refusedWith('STORE_CLOSED', () => allRows(store.scan({}, 1)))
      await bench.refusedWith('STORE_CLOSED', () => scan.next())
      if (store.get !== undefined) await bench.refusedWith('STORE_CLOSED', async () => store.get?.(bytes(1)))
    },
  },
  {
    name: 'opening again: a persistent store is as it was, others are empty',
    async run(bench) {
      const first = await bench.open()
      await first.write([put(bytes(1), bytes(1)), put(bytes(2), bytes(2))], bytes(1))
      await first.write([remove(bytes(1)), put(bytes(3), bytes(3))], bytes(2))
      const { persistent } = first.capabilities
      await first.close()
      const second = await bench.open()
      bench.assert.equal(second.capabilities.persistent, persistent)
      bench.assert.deepEqual(numbers(await second.metadata()), persistent ? [2] : undefined)
      await bench.rowsAre(
        second,
        persistent
          ? [
              [bytes(2), bytes(2)],
              [bytes(3), bytes(3)],
            ]
          : [],
      )
    },
  },
  {
    name: 'the size: is 0 of an empty store, and grows with what is written',
    async run(bench) {
      const store = await bench.open()
      bench.assert.equal(await store.approximateSize(), 0)
      await store.write([put(bytes(1), bytes(1))], bytes(1))
      bench.assert.ok((await store.approximateSize()) > 0)
      await store.write(Array.from({ length: 400 }, (_, i) => put(bytes(2, i >> 8, i & 255), bytes(1))))
      const size = await store.approximateSize()
      bench.assert.ok(size >= 100 && size <= 1_600, `about 401 entries, it says ${size}`)
    },
  },
]

/** For what can be damaged. */
export const damageCase: StoreConformanceCase = {
  name: 'damaged contents: opening rejects with STORE_CORRUPT',
  async run(bench) {
    const store = await bench.open()
    await store.write([put(bytes(1), bytes(1))], bytes(1))
    await store.close()
    await bench.underTest.damage?.()
    await bench.refusedWith('STORE_CORRUPT', () => bench.open())
  },
}

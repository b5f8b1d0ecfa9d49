import { describe, expect, test } from 'vitest'
import { completeBackend } from '../../src/store/complete-backend.ts'
import type { SingleOperationBackend, StoreBackend, StoreChange, StoreRow } from '../../src/store/store-backend.ts'

const bytes = (...values: readonly number[]) => Uint8Array.from(values)
const put = (key: number, value: number): StoreChange => ({ key: bytes(key), value: bytes(value) })

/** One-byte keys in a map; `log` tells what was asked of it. */
function singleBackend(overrides: Partial<SingleOperationBackend> = {}) {
  const contents = new Map<string, StoreRow>()
  const log: string[] = []
  const single: SingleOperationBackend = {
    capabilities: { access: 'sync', persistent: false },
    get: (key) => {
      log.push(`get ${String(key)}`)
      return contents.get(String(key))?.[1]
    },
    set: (key, value) => {
      log.push(`set ${key.length === 1 ? String(key) : 'metadata'}`)
      contents.set(String(key), [key, value])
    },
    delete: (key) => {
      log.push(`delete ${String(key)}`)
      contents.delete(String(key))
    },
    *rows() {
      for (const key of [...contents.keys()].toSorted()) {
        log.push('row')
        yield contents.get(key) as StoreRow
      }
    },
    ...overrides,
  }
  return { single, contents, log }
}

async function valuesOf(backend: StoreBackend): Promise<number[]> {
  const values: number[] = []
  for await (const page of backend.scan({}, 10)) for (const [, value] of page) values.push(...value)
  return values
}

describe('a backend of single operations, completed', () => {
  test('writes change after change, and the metadata last', async () => {
    const { single, log } = singleBackend()
    await completeBackend(single).write([put(1, 10), { key: bytes(2), value: undefined }], bytes(7))
    expect(log).toEqual(['set 1', 'delete 2', 'set metadata'])
  })

  test('has a get exactly if it answers at once', () => {
    expect(typeof completeBackend(singleBackend().single).get).toBe('function')
    const remote = singleBackend({ capabilities: { access: 'async', persistent: true } }).single
    expect(typeof completeBackend(remote).get).toBe('undefined')
  })

  test('says whether its writes are atomic: only where there is a write that may be', () => {
    const write = async () => undefined
    expect(completeBackend(singleBackend().single).capabilities.atomicWrites).toBe(false)
    const capabilities = { access: 'sync', persistent: true, atomicWrites: true } as const
    expect(completeBackend(singleBackend({ capabilities }).single).capabilities).toEqual({ ...capabilities, atomicWrites: false })
    expect(completeBackend(singleBackend({ write }).single).capabilities.atomicWrites).toBeUndefined()
    const without = { ...capabilities, atomicWrites: false }
    expect(completeBackend(singleBackend({ write, capabilities: without }).single).capabilities.atomicWrites).toBe(false)
  })

  test('says so when a get that was to answer at once answers with a promise', () => {
    const backend = completeBackend(singleBackend({ get: () => Promise.resolve(undefined) }).single)
    expect(() => backend.get?.(bytes(1))).toThrow(/answered get\(\) with a promise/)
  })

  test('uses what the backend has of its own', async () => {
    const written: (readonly [number, readonly number[] | undefined])[] = []
    const { single } = singleBackend({
      getMany: async (keys) => keys.map(() => bytes(5)),
      write: async (changes, metadata) => void written.push([changes.length, metadata && [...metadata]]),
      metadata: async () => bytes(6),
      approximateSize: async () => 77,
    })
    const backend = completeBackend(single)
    await backend.write([put(1, 10)], bytes(7))
    expect(written).toEqual([[1, [7]]])
    expect(await backend.metadata()).toEqual(bytes(6))
    expect(await backend.getMany([bytes(1), bytes(2)])).toEqual([bytes(5), bytes(5)])
    expect(await backend.approximateSize()).toBe(77)
  })

  test('hands metadata to a write that has no place for them as one more change', async () => {
    const calls: (readonly [number, unknown])[] = []
    const { single } = singleBackend({ write: async (changes, metadata) => void calls.push([changes.length, metadata]) })
    await completeBackend(single).write([put(1, 10)], bytes(7))
    expect(calls).toEqual([[2, undefined]])
  })

  test('is refused if it can read metadata but not take them', () => {
    expect(() => completeBackend(singleBackend({ metadata: async () => undefined }).single)).toThrow(TypeError)
  })

  test('reads a scan to its end before the store is changed, and only then', async () => {
    const { single, log } = singleBackend()
    const backend = completeBackend(single)
    await backend.write([put(1, 10), put(2, 20), put(3, 30)])
    const scan = backend.scan({}, 1)[Symbol.asyncIterator]()
    log.length = 0
    await scan.next()
    expect(log).toEqual(['row'])
    await backend.write([put(2, 21)])
    expect(log).toEqual(['row', 'row', 'row', 'set 2'])
    expect((await scan.next()).value).toEqual([[bytes(2), bytes(20)]])
    expect(await valuesOf(backend)).toEqual([10, 21, 30])
  })

  test('gives the failure of reading ahead to the scan, not to the write', async () => {
    const failing = singleBackend({
      // oxlint-disable-next-line require-yield
      *rows() {
        throw new Error('out of reach')
      },
    })
    const backend = completeBackend(failing.single)
    const scan = backend.scan({}, 1)[Symbol.asyncIterator]()
    await backend.write([put(1, 10)])
    await expect(scan.next()).rejects.toThrow('out of reach')
  })

  test('closes the backend once', async () => {
    let closed = 0
    const backend = completeBackend(singleBackend({ close: () => void closed++ }).single)
    await backend.close()
    await backend[Symbol.asyncDispose]()
    expect(closed).toBe(1)
  })
})

import { describe, expect, expectTypeOf, test } from 'vitest'
import type { ProcessorContext } from '../../src/process/processor-context.ts'
import { serdes } from '../../src/serde/serdes.ts'
import type { BatchKeyValueStore, KeyValueStore } from '../../src/store/key-value-store.ts'
import { defineKeyValueStore } from '../../src/store/store-definition.ts'

const open = () => Promise.reject(new Error('not opened here'))
const options = { key: serdes.string, value: serdes.int32, open }

describe('the definition of a store', () => {
  test('is frozen data', () => {
    const counts = defineKeyValueStore({ name: 'counts', access: 'sync', ...options })
    expect(counts).toMatchObject({ shape: 'key-value', name: 'counts', access: 'sync' })
    expect(Object.isFrozen(counts)).toBe(true)
  })

  test('needs a name that can name a folder and a topic', () => {
    for (const name of ['', '.', '..', 'a/b', 'a b', 'ä', 'x'.repeat(201)]) {
      expect(() => defineKeyValueStore({ name, access: 'sync', ...options })).toThrow(TypeError)
    }
    for (const name of ['a', 'A.b_c-1', '...', 'x'.repeat(200)]) {
      expect(defineKeyValueStore({ name, access: 'sync', ...options }).name).toBe(name)
    }
  })

  test('types what a processor gets: without get where the backend answers later', () => {
    const near = defineKeyValueStore({ name: 'near', access: 'sync', ...options })
    const remote = defineKeyValueStore({ name: 'remote', access: 'async', ...options })
    const use = (context: ProcessorContext<string, string>) => {
      expectTypeOf(context.store(near)).toEqualTypeOf<KeyValueStore<string, number>>()
      expectTypeOf(context.store(remote)).toEqualTypeOf<BatchKeyValueStore<string, number>>()
      expectTypeOf(context.store(remote).getBatch(['a'])).resolves.toEqualTypeOf<(number | undefined)[]>()
      expectTypeOf(context.store(remote)).not.toHaveProperty('get')
      // @ts-expect-error Keys are strings.
      context.store(near).set(1, 1)
    }
    expect(use).toBeTypeOf('function')
  })
})

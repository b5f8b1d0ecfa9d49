import { describe, expect, expectTypeOf, test } from 'vitest'
import type { ProcessorContext } from '../../src/process/processor-context.ts'
import { serdes } from '../../src/serde/serdes.ts'
import type { BatchKeyValueStore, KeyValueStore } from '../../src/store/key-value-store.ts'
import { defineKeyValueStore } from '../../src/store/store-definition.ts'
import { defineTimestampedKeyValueStore } from '../../src/store/timestamped-store.ts'
import { defineSessionStore, defineWindowStore } from '../../src/store/windowed-definition.ts'

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

describe('settings of a changelog', () => {
  const HOUR = 3_600_000
  const define = {
    'key-value': (settings: Record<string, string>) =>
      defineKeyValueStore({ name: 'counts', access: 'sync', ...options, changelog: { settings } }),
    timestamped: (settings: Record<string, string>) =>
      defineTimestampedKeyValueStore({ name: 'counts', access: 'sync', ...options, changelog: { settings } }),
    window: (settings: Record<string, string>) =>
      defineWindowStore({ name: 'counts', access: 'sync', ...options, windowSizeMs: 1_000, retentionMs: HOUR, changelog: { settings } }),
    session: (settings: Record<string, string>) =>
      defineSessionStore({ name: 'counts', access: 'sync', ...options, retentionMs: HOUR, changelog: { settings } }),
  }

  test.each([
    ['key-value', { 'cleanup.policy': 'delete' }, 'cleanup.policy=delete', 'is restored without entries that were not changed for long'],
    ['key-value', { 'cleanup.policy': 'compact,delete' }, 'cleanup.policy=compact,delete', 'leave it out, it is compact'],
    ['timestamped', { 'cleanup.policy': 'delete' }, 'cleanup.policy=delete', 'leave it out, it is compact'],
    ['window', { 'cleanup.policy': 'delete' }, 'cleanup.policy=delete', 'leave it out, it is compact,delete'],
    ['session', { 'cleanup.policy': 'compact' }, 'cleanup.policy=compact', 'what the store has let go of is never deleted'],
    ['key-value', { 'message.timestamp.type': 'LogAppendTime' }, 'message.timestamp.type=LogAppendTime', 'leave it out, it is CreateTime'],
    ['window', { 'retention.ms': String(HOUR - 1) }, `retention.ms=${HOUR - 1}`, `at least ${HOUR}`],
    ['session', { 'retention.ms': 'a day' }, 'retention.ms=a day', `at least ${HOUR}`],
    ['window', { 'retention.bytes': '1000' }, 'retention.bytes=1000', 'leave it out, it is -1'],
  ] as const)('by which state is lost are refused: of a %s store %j', (kind, settings, setting, then) => {
    const defined = () => define[kind](settings)
    expect(defined).toThrow(TypeError)
    expect(defined).toThrow(`Store 'counts': its changelog can't have ${setting}`)
    expect(defined).toThrow(then)
  })

  test.each([
    ['key-value', { 'cleanup.policy': 'compact', 'message.timestamp.type': 'CreateTime', 'min.cleanable.dirty.ratio': '0.1' }],
    // Compaction alone does not go by them.
    ['key-value', { 'retention.ms': '1', 'retention.bytes': '1' }],
    ['window', { 'cleanup.policy': 'delete, compact', 'retention.ms': String(HOUR), 'retention.bytes': '-1' }],
    ['session', { 'retention.ms': '-1' }],
  ] as const)('by which none is lost are taken: of a %s store %j', (kind, settings) => {
    expect(define[kind](settings).changelog).toEqual({ settings })
  })
})

import fc from 'fast-check'
import type { Where } from './store-model.ts'

/** What happens to a store, in an order nobody would think of. What makes no sense where it comes is passed over. */
export type Command =
  | {
      readonly type:
        | 'begin'
        | 'keep'
        | 'undo'
        | 'succeed'
        | 'rollback'
        | 'seal'
        | 'start-persist'
        | 'await-persist'
        | 'discard'
        | 'await-reads'
    }
  | { readonly type: 'set'; readonly key: string; readonly value: number }
  | { readonly type: 'set-batch'; readonly entries: readonly (readonly [string, number])[] }
  /** Reads keys, deletes another, and sets those that were read, as columns. */
  | { readonly type: 'get-then-set-batch'; readonly keys: readonly string[]; readonly between: string; readonly value: number }
  /** `start-update-batch` goes on while other things happen. */
  | { readonly type: 'update-batch' | 'start-update-batch'; readonly keys: readonly string[] }
  | { readonly type: 'delete' | 'get'; readonly key: string }
  | { readonly type: 'delete-batch' | 'get-batch' | 'start-get-batch'; readonly keys: readonly string[] }
  | { readonly type: 'iterate'; readonly where: Where; readonly pageSize: number }
  /** Begins an iteration that goes on while other things happen: by as many pages at a time as `read-page` comes. */
  | { readonly type: 'start-iteration'; readonly where: Where; readonly pageSize: number }
  | { readonly type: 'read-page' }

const key = fc.constantFrom('', 'a', 'aa', 'ab', 'b', 'ÿ', '😀', '\u{0}', 'z')
const value = fc.integer({ min: 0, max: 9 })
const keys = fc.array(key, { maxLength: 12 })
const maybeKey = fc.option(key, { nil: undefined })
const prefix = fc.constantFrom(...[[], [0x61], [0xc3], [0xff], [0xf0, 0x9f]].map((bytes) => Uint8Array.from(bytes)))
const where: fc.Arbitrary<Where> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ from: maybeKey, to: maybeKey, reverse: fc.boolean() }) },
  { weight: 1, arbitrary: prefix.map((bytes) => ({ prefix: bytes })) },
)
const pageSize = fc.constantFrom(1, 2, 5, 1_000)

const simple = (
  type: 'begin' | 'keep' | 'undo' | 'succeed' | 'rollback' | 'seal' | 'start-persist' | 'await-persist' | 'discard' | 'await-reads',
) => fc.constant<Command>({ type })

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: simple('begin') },
  { weight: 3, arbitrary: simple('keep') },
  { weight: 3, arbitrary: simple('undo') },
  { weight: 5, arbitrary: simple('succeed') },
  { weight: 1, arbitrary: simple('rollback') },
  { weight: 3, arbitrary: simple('seal') },
  { weight: 3, arbitrary: simple('start-persist') },
  { weight: 2, arbitrary: simple('await-persist') },
  { weight: 1, arbitrary: simple('discard') },
  { weight: 2, arbitrary: simple('await-reads') },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('set' as const), key, value }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('set-batch' as const), entries: fc.array(fc.tuple(key, value), { maxLength: 6 }) }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('get-then-set-batch' as const), keys, between: key, value }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constantFrom('update-batch' as const, 'start-update-batch' as const), keys }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('delete' as const), key }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('delete-batch' as const), keys }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('get' as const), key }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('get-batch' as const, 'start-get-batch' as const), keys }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('iterate' as const), where, pageSize }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('start-iteration' as const), where, pageSize }) },
  { weight: 4, arbitrary: fc.constant<Command>({ type: 'read-page' }) },
)

export const commands: fc.Arbitrary<Command[]> = fc.array(command, { minLength: 20, maxLength: 80, size: 'max' })

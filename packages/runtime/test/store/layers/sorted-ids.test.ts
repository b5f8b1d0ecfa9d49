import { compareBytes } from '@millrace/core'
import fc from 'fast-check'
import { describe, test } from 'vitest'
import { SortedIds } from '../../../src/store/layers/sorted-ids.ts'

const anyKey = fc.uint8Array({ maxLength: 3, max: 40 })
const anyRange = fc.record({ gte: fc.option(anyKey, { nil: undefined }), lt: fc.option(anyKey, { nil: undefined }) })

describe('ids in the order of their keys', () => {
  test('are those within the range, whenever they were added', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.uniqueArray(anyKey, { selector: String, maxLength: 700, size: '+2' }), anyRange)), (rounds) => {
        const ids = new SortedIds()
        const known = new Map<string, Uint8Array>()
        for (const [keys, { gte, lt }] of rounds) {
          for (const key of keys) {
            if (known.has(String(key))) continue
            known.set(String(key), key)
            ids.add(String(key), key)
          }
          const expected = [...known]
            .filter(([, key]) => (gte === undefined || compareBytes(key, gte) >= 0) && (lt === undefined || compareBytes(key, lt) < 0))
            .toSorted(([, a], [, b]) => compareBytes(a, b))
            .map(([id]) => id)
          const found = ids.within({ gte, lt }).map(({ id }) => id)
          if (String(found) !== String(expected)) return false
        }
        return true
      }),
    )
  })
})

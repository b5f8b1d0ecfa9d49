import { deserializeColumn, type Serde, SerdeError, serializeColumn } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { bothForms, hex, listOf } from '../support/columns.ts'

/** A serde of the user's own: nothing but the two methods, and errors of its own. */
const own: Serde<number> = {
  name: 'own',
  serialize(value) {
    if (value > 9) throw new RangeError(`${value} is too much`)
    return Uint8Array.of(value)
  },
  deserialize(bytes, start) {
    const value = bytes[start] as number
    if (value > 9) throw new RangeError(`${value} is too much`)
    return value
  },
}

describe('deserializeColumn', () => {
  it('works with single operations alone', () => {
    for (const column of bothForms([hex('01'), hex('02')])) expect(deserializeColumn(own, column)).toEqual({ values: [1, 2], failures: [] })
  })

  it('names each value that fails, with its own error, and decodes the others', () => {
    const batch: Serde<number> = {
      ...own,
      deserializeBatch() {
        throw new Error('one of them')
      },
    }
    for (const column of bothForms([hex('63'), hex('02'), null, hex('03')])) {
      const { values, failures } = deserializeColumn(batch, column)
      expect(values).toEqual([undefined, 2, undefined, 3])
      expect(failures.map(({ index }) => index)).toEqual([0, 2])
      expect(failures[0]?.error).toBeInstanceOf(RangeError)
      expect(failures[1]?.error).toBeInstanceOf(SerdeError)
    }
  })

  it('hands out an empty column as it is', () => {
    for (const column of bothForms([])) expect(deserializeColumn(own, column)).toEqual({ values: [], failures: [] })
  })
})

describe('serializeColumn', () => {
  it('works with single operations alone', () => expect(listOf(serializeColumn(own, [1, 2]))).toEqual([[1], [2]]))

  it('names the first value that is refused, whoever refused it', () => {
    expect(() => serializeColumn(own, [1, 10, 11])).toThrow(
      expect.objectContaining({
        name: 'SerdeError',
        serde: 'own',
        index: 1,
        message: 'own: 10 is too much',
        cause: expect.any(RangeError) as Error,
      }),
    )
  })

  it('goes value by value when the batch method gives up without need', () => {
    const moody: Serde<number> = {
      ...own,
      serializeBatch() {
        throw new Error('not today')
      },
    }
    expect(listOf(serializeColumn(moody, [1, 2]))).toEqual([[1], [2]])
    expect(() => serializeColumn(moody, [1, 10])).toThrow(expect.objectContaining({ index: 1 }))
  })
})

import { describe, expect, test } from 'vitest'
import { failureLine } from '../../src/command-line/failure-line.ts'

describe('a failure in one line', () => {
  test('is the message of the error, without its lines', () => {
    expect(failureLine(new Error('two\n  lines\n'))).toBe('two lines')
  })

  test('goes on with causes that say more, and leaves out those that do not', () => {
    const disk = new Error('no space left on device')
    const store = new Error('the store failed: no space left on device', { cause: disk })
    expect(failureLine(new Error('the application stops', { cause: store }))).toBe(
      'the application stops (the store failed: no space left on device)',
    )
  })

  test('ends even where causes go round in a circle', () => {
    const error = new Error('a')
    error.cause = error
    expect(failureLine(error)).toBe('a')
  })

  test('says something of anything', () => {
    expect(failureLine('words')).toBe('words')
    expect(failureLine(undefined)).toBe('It failed, and nothing says why.')
    expect(failureLine(new TypeError(''))).toBe('TypeError')
  })
})

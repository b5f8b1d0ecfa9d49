import { describe, expect, it } from 'vitest'
import { unknownNames } from '../../src/internal/unknown-names.ts'

const known = ['size', 'timeoutMs', 'minSize', 'maxSize', 'maxRetries']
const problems = (options: object) => unknownNames((name) => `batch.${name}`, options, known)

describe('names that no option has', () => {
  it.each([
    ['sise', 'size'],
    ['siz', 'size'],
    ['Size', 'size'],
    ['timeout', 'timeoutMs'],
    ['timeOutMS', 'timeoutMs'],
    ['maxSise', 'maxSize'],
    ['maxRetry', 'maxRetries'],
  ])('are told with the nearest that one has: %s', (name, meant) => {
    expect(problems({ [name]: 1 })).toEqual([`batch.${name} is no option; use ${meant}.`])
  })

  it('are told with all there are, where none is near', () => {
    expect(problems({ linger: 1, x: 1 })).toEqual([
      'batch.linger is no option; use size, timeoutMs, minSize, maxSize, maxRetries.',
      'batch.x is no option; use size, timeoutMs, minSize, maxSize, maxRetries.',
    ])
  })

  it('are not told where nothing is given for them', () => {
    expect(problems({ size: 1, sise: undefined })).toEqual([])
  })
})

import { describe, expect, test } from 'vitest'
import { ClientError } from '../../src/client/client-error.ts'
import { toClientError } from '../../src/confluent/to-client-error.ts'

describe('an error of the library', () => {
  test.each([
    [-187, 'unreachable'],
    [-184, 'queue-full'],
    [-147, 'poll-too-late'],
    [-140, 'offset-out-of-range'],
    [3, 'unknown-topic'],
    [10, 'record-too-large'],
    [25, 'member-gone'],
    [27, 'rebalancing'],
    [29, 'not-authorized'],
    [90, 'fenced'],
    [110, 'member-gone'],
    [113, 'rebalancing'],
    [-1, 'other'],
  ])('with code %i is of kind %s', (code, kind) => {
    expect(toClientError({ message: 'm', code })).toMatchObject({ kind, code, message: 'm' })
  })

  test('says by its flags what a transaction needs', () => {
    const error = { message: 'm', code: 51 }
    expect(toClientError({ ...error, isTxnRequiresAbort: true }).kind).toBe('abortable')
    expect(toClientError({ ...error, isFatal: true }).kind).toBe('fatal')
    expect(toClientError({ ...error, code: 9_999, isRetriable: true }).kind).toBe('transient')
    // Fatal as well; but who was fenced needs to know that.
    expect(toClientError({ message: 'm', code: -144, isFatal: true }).kind).toBe('fenced')
  })

  test('may be a bare code, or have none', () => {
    expect(toClientError(36)).toMatchObject({ kind: 'topic-exists', code: 36 })
    expect(toClientError(new Error('Client is disconnected'))).toMatchObject({ kind: 'other', code: 0, message: 'Client is disconnected' })
    expect(toClientError('what')).toMatchObject({ kind: 'other', message: 'what' })
  })

  test('stays as it is when it was translated before', () => {
    const error = new ClientError('m', { kind: 'fatal', code: 1 })
    expect(toClientError(error)).toBe(error)
  })
})

import { PackedError, type PackedErrorKind } from '@millrace/kafka-packed'
import { expect, test } from 'vitest'
import { ClientError } from '../../src/client/client-error.ts'
import { toClientError, translated } from '../../src/packed/to-client-error.ts'

test.each<[PackedErrorKind, number, string]>([
  ['unreachable', 0, 'unreachable'],
  ['timed-out', 0, 'timed-out'],
  ['truncated', 0, 'offset-out-of-range'],
  ['record-too-large', 10, 'record-too-large'],
  ['fenced', 90, 'fenced'],
  ['abortable', 47, 'fenced'],
  ['abortable', 10, 'record-too-large'],
  // What the group says of a member, also where a transaction is over by it.
  ['abortable', 22, 'member-gone'],
  ['other', 25, 'member-gone'],
  ['other', 27, 'rebalancing'],
  ['other', 82, 'fatal'],
  ['other', 88, 'unstable-offset'],
  ['record-refused', 87, 'other'],
])('of the kind %s with code %i the client interface says %s', (kind, code, expected) => {
  const error = toClientError(new PackedError('It was refused.', { kind, code }))
  expect(error).toBeInstanceOf(ClientError)
  expect(error).toMatchObject({ kind: expected, code, message: 'It was refused' })
})

test('what is no error of the packed client stays as it is', async () => {
  const mistake = new TypeError('a mistake')
  await expect(translated(Promise.reject(mistake))).rejects.toBe(mistake)
  expect(await translated(Promise.resolve(1))).toBe(1)
})

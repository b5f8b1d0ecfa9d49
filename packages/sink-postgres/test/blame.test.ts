import { expect, test } from 'vitest'
import { postgresBlame } from '../src/blame.ts'

const said = (code: string) => Object.assign(new Error('said by the server'), { code, severity: 'ERROR' })

test.each([
  ['22P02', 'invalid input syntax', 'rows'],
  ['22003', 'out of range', 'rows'],
  ['23502', 'null in a column that takes none', 'rows'],
  ['23514', 'a check is violated', 'rows'],
  ['42804', 'a value of another type', 'rows'],
  ['23503', 'what it refers to is not there', 'reference'],
  ['42601', 'a statement that is none', 'unknown'],
  ['42P01', 'no such table', 'server'],
  ['42P10', 'a conflict target without a constraint', 'server'],
  ['42501', 'not allowed', 'server'],
  ['53100', 'the disk is full', 'server'],
  ['53300', 'too many connections', 'server'],
  ['53400', 'a limit that was set', 'server'],
  ['55P03', 'a lock is not available', 'server'],
  ['57014', 'the statement took too long', 'size'],
  ['53200', 'no memory left', 'size'],
  ['54000', 'too large for an index', 'rows'],
  ['54001', 'a statement that is too complex', 'unknown'],
  ['57P01', 'the server is stopped', 'server'],
  ['57P03', 'the server is starting', 'server'],
  ['58030', 'input or output failed', 'server'],
  ['40P01', 'a deadlock', 'server'],
  ['25006', 'the server only reads', 'server'],
  ['28P01', 'a wrong password', 'server'],
  ['P0001', 'a function raised it', 'unknown'],
])('%s (%s) is the fault of: %s', (code, _, blame) => {
  expect(postgresBlame(said(code))).toBe(blame)
})

test('what the server did not say comes from the connection', () => {
  const errors = [Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), Object.assign(new Error('pipe'), { code: 'EPIPE' })]
  for (const error of [...errors, new Error('Connection terminated unexpectedly'), undefined, 'text'])
    expect(postgresBlame(error)).toBe('server')
  const huge = Object.assign(said('XX000'), { message: 'invalid memory alloc request size 1073741824' })
  expect([huge, said('XX000')].map(postgresBlame)).toEqual(['rows', 'server'])
})

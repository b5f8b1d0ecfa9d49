import { expect, test } from 'vitest'
import { clickhouseBlame } from '../src/blame.ts'

const said = (code: number, message = 'said by the server') => Object.assign(new Error(message), { code: String(code) })

test.each([
  [27, 'can not be parsed', 'rows'],
  [117, 'incorrect data', 'rows'],
  [53, 'another type', 'rows'],
  [69, 'out of range', 'rows'],
  [469, 'a constraint is violated', 'rows'],
  [60, 'no such table', 'server'],
  [201, 'a quota is used up', 'server'],
  [202, 'too many queries', 'server'],
  [241, 'no memory left', 'size'],
  [243, 'no space left', 'server'],
  [242, 'a table only reads', 'server'],
  [252, 'too many parts', 'server'],
  [516, 'a wrong password', 'server'],
  [159, 'it took too long', 'size'],
  [290, 'a limit is reached', 'server'],
  [499, 'the storage does not answer', 'server'],
  [745, 'it is overloaded', 'server'],
  [36, 'bad arguments', 'unknown'],
])('%i (%s) is the fault of: %s', (code, _, blame) => {
  expect(clickhouseBlame(said(code))).toBe(blame)
})

test('a batch for too many partitions is its own fault; the code may be in the text; what has none comes from the connection', () => {
  expect(clickhouseBlame(said(252, 'Too many partitions for single INSERT block (more than 100)'))).toBe('unknown')
  expect(clickhouseBlame(new Error('Code: 243, e.displayText() = DB::Exception: Not enough space'))).toBe('server')
  expect(clickhouseBlame(new Error('Code: 27, e.displayText() = DB::Exception: Cannot parse input'))).toBe('rows')
  expect(clickhouseBlame(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }))).toBe('server')
  expect(clickhouseBlame(new Error('Timeout error.'))).toBe('server')
})

import { MillraceError } from '@millrace/core'
import { expect, test } from 'vitest'
import { UsageError } from '../../src/command-line/errors.ts'
import { exitCodeOf } from '../../src/run/started-process.ts'
import { NOT_STARTABLE } from '../../src/run/supervisor.ts'

test.each([
  [new UsageError('wrong'), false, 2],
  [new Error('no such topic'), false, NOT_STARTABLE],
  [new Error('in the middle'), true, 1],
  [new MillraceError('BROKER_UNREACHABLE', 'away', { stage: 'source', retryable: true }), false, 1],
  // The port is a predecessor's that is about to end.
  [Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE' }), false, 1],
])('%s, running: %s: ends with %d, which says whether another try may help', (error, running, code) => {
  expect(exitCodeOf(error, running)).toBe(code)
})

import { type Logger, ManualClock } from '@millrace/core'
import { expect, test } from 'vitest'
import { PublishError } from '../src/publish-error.ts'
import { Refusals } from '../src/refusals.ts'

const full = new PublishError('BUFFER_FULL', 'The buffer is full.', { outcome: 'not-sent' })

test('that a buffer is full is said of each type at most every ten seconds, anything else each time', async () => {
  const said: unknown[] = []
  const log: Logger['warn'] = (fields) => void said.push((fields as { readonly type: string }).type)
  const clock = new ManualClock()
  const refusals = new Refusals({ logger: { debug: log, info: log, warn: log, error: log }, clock })
  for (let n = 0; n < 1_000; n++) for (const type of ['a', 'b']) refusals.add(type, full)
  expect(said).toEqual(['a', 'b'])
  for (let n = 0; n < 2; n++) refusals.add('a', new PublishError('UNKNOWN_EVENT_TYPE', 'No such type.', { outcome: 'not-sent' }))
  expect(said).toEqual(['a', 'b', 'a', 'a'])
  await clock.advance(9_999)
  refusals.add('a', full)
  expect(said).toHaveLength(4)
  await clock.advance(1)
  refusals.add('a', full)
  expect(said).toHaveLength(5)
})

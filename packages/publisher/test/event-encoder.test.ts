import { ManualClock } from '@millrace/core'
import { expect, test } from 'vitest'
import { EventEncoder } from '../src/event-encoder.ts'
import { threeTopics } from './support/publishing.ts'

test('an event is as old as what it is made of says: deliveryTimeoutMs counts from when it was published, in whatever process', async () => {
  const clock = new ManualClock()
  await clock.advance(500)
  const encode = { answer: undefined, options: undefined }
  expect(new EventEncoder(threeTopics, clock).encode('a', { n: 1 }, encode).arrivedAt).toBe(clock.monotonic())
  const payloads = { textOf: () => '{}', ageMsOf: (message: unknown) => (message as { readonly ageMs: number }).ageMs }
  const event = new EventEncoder({ a: { topic: 'a' } }, clock, payloads).encode('a', { ageMs: 300 }, encode)
  expect(event.arrivedAt).toBe(clock.monotonic() - 300)
})

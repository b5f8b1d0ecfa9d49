import { ManualClock, resolveBatchPolicy } from '@millrace/core'
import { expect, test } from 'vitest'
import type { BatchMessage, EventMessage } from '../src/worker/messages.ts'
import { OutgoingEvents } from '../src/worker/outgoing-events.ts'

const message = (n: number): EventMessage => ({ n, type: 'a', json: '{}', options: {} })

/** What was sent, by the numbers of its events. */
function outgoing(...batches: Parameters<typeof resolveBatchPolicy>[0]) {
  const clock = new ManualClock()
  const sent: (number | number[])[] = []
  const policies = batches.map((batch) => resolveBatchPolicy([batch]))
  const send = (one: EventMessage | BatchMessage) => void sent.push('events' in one ? one.events.map(({ n }) => n) : one.n)
  return { clock, sent, events: new OutgoingEvents({ clock, policies, send }) }
}

test('events gather on their way to the worker, for 5 ms at most, or a tenth of the shortest time that batches have', async () => {
  const slow = outgoing({ size: 100, timeoutMs: 500 })
  slow.events.push(message(1), false)
  await slow.clock.advance(4)
  slow.events.push(message(2), false)
  expect(slow.sent).toEqual([])
  await slow.clock.advance(1)
  expect(slow.sent).toEqual([[1, 2]])
  const fast = outgoing({ size: 100, timeoutMs: 500 }, { size: 100, timeoutMs: 20 })
  fast.events.push(message(1), false)
  await fast.clock.advance(2)
  expect(fast.sent).toEqual([1])
})

test('events go to the worker at once where they make a batch, are critical, or something is to come behind them', async () => {
  const { events, sent, clock } = outgoing({ size: 3 })
  for (const n of [1, 2, 3]) events.push(message(n), false)
  await Promise.resolve()
  expect(sent).toEqual([[1, 2, 3]])
  events.push(message(4), false)
  events.push(message(5), true)
  events.push(message(6), false)
  await Promise.resolve()
  expect(sent).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ])
  events.push(message(7), false)
  expect(events.has(7)).toBe(true)
  events.send()
  expect(sent.at(-1)).toBe(7)
  events.push(message(8), false)
  expect(events.clear()).toHaveLength(1)
  await clock.advance(1_000)
  expect(sent).toHaveLength(3)
})

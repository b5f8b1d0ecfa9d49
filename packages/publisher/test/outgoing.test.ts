import { ManualClock, resolveBatchPolicy } from '@millrace/core'
import { expect, test } from 'vitest'
import type { BatchMessage, CallMessage, EventMessage } from '../src/worker/messages.ts'
import { OutgoingQueue } from '../src/worker/outgoing.ts'
import type { Call, SentEvent } from '../src/worker/sent-event.ts'

const event = (n: number, arrivedAt = 0): SentEvent => ({
  id: String(n),
  type: 'a',
  topic: 'a',
  lane: undefined,
  bytes: 2,
  critical: false,
  arrivedAt,
  message: { n, type: 'a', json: '{}', options: {}, ageMs: 0 },
  answer: undefined,
  countedLate: false,
  handedOver: false,
  epoch: 0,
})

const transaction = (call: number, ...events: SentEvent[]): Call => ({
  message: { call, transaction: events.map(({ message }) => message) },
  events,
  resolve: () => undefined,
  reject: () => undefined,
  handedOver: false,
})

/** What was sent, by the numbers of its events. */
function outgoing(...batches: Parameters<typeof resolveBatchPolicy>[0]) {
  const clock = new ManualClock()
  const sent: (number | number[] | string)[] = []
  const ages: number[] = []
  const worker = { isThere: true }
  const policies = batches.map((batch) => resolveBatchPolicy([batch]))
  const send = (one: EventMessage | BatchMessage | CallMessage) => {
    if ('call' in one) return void sent.push(`call ${one.call}`)
    ages.push(...('events' in one ? one.events : [one]).map(({ ageMs }) => ageMs))
    sent.push('events' in one ? one.events.map(({ n }) => n) : one.n)
  }
  return { clock, sent, ages, worker, events: new OutgoingQueue({ clock, policies, open: () => worker.isThere, send }) }
}

test('events gather on their way to the worker, for 5 ms at most, or a tenth of the shortest time that batches have', async () => {
  const slow = outgoing({ size: 100, timeoutMs: 500 })
  slow.events.push(event(1), false)
  await slow.clock.advance(4)
  slow.events.push(event(2), false)
  expect(slow.sent).toEqual([])
  await slow.clock.advance(1)
  expect(slow.sent).toEqual([[1, 2]])
  const fast = outgoing({ size: 100, timeoutMs: 500 }, { size: 100, timeoutMs: 20 })
  fast.events.push(event(1), false)
  await fast.clock.advance(2)
  expect(fast.sent).toEqual([1])
})

test('events go to the worker at once where they make a batch, are critical, or something is to come behind them', async () => {
  const { events, sent, clock } = outgoing({ size: 3 })
  for (const n of [1, 2, 3]) events.push(event(n), false)
  await Promise.resolve()
  expect(sent).toEqual([[1, 2, 3]])
  events.push(event(4), false)
  events.push(event(5), true)
  events.push(event(6), false)
  await Promise.resolve()
  expect(sent).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ])
  events.push(event(7), false)
  events.send()
  expect(sent.at(-1)).toBe(7)
  events.push(event(8), false)
  expect(events.take(() => true)).toHaveLength(1)
  await clock.advance(1_000)
  expect(sent).toHaveLength(3)
})

test('nothing is handed over while there is no worker that takes it; then it goes in its order, with the time that it has waited for', async () => {
  const { events, sent, ages, worker, clock } = outgoing({ size: 2 })
  worker.isThere = false
  const first = event(1, clock.monotonic())
  expect(events.since).toBe(Infinity)
  events.push(first, false)
  await clock.advance(20)
  const inside = event(3, clock.monotonic())
  events.call(transaction(2, inside))
  events.push(event(4, clock.monotonic()), true)
  await clock.advance(10)
  expect(sent).toEqual([])
  expect(first.handedOver).toBe(false)
  expect(events.since).toBe(first.arrivedAt)
  expect(events.take(({ message }) => 'call' in message)).toHaveLength(1)
  expect(events.take(() => false)).toEqual([])
  events.call(transaction(5, inside))
  worker.isThere = true
  events.send()
  expect(sent).toEqual([[1, 4], 'call 5'])
  expect(ages).toEqual([30, 10])
  expect(inside.message.ageMs).toBe(10)
  expect([first, inside].map(({ handedOver }) => handedOver)).toEqual([true, true])
})

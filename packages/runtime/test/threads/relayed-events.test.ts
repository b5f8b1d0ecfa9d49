import { type FailureEvent, ManualClock, MillraceError, type PassStartedEvent, type RuntimeEvent } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import type { ThreadNews } from '../../src/threads/messages.ts'
import { EventRelay, relayedLogger, unpackEvent } from '../../src/threads/relayed-events.ts'

function relaying() {
  const clock = new ManualClock()
  const told: RuntimeEvent[][] = []
  // As a channel copies it.
  const tell = (news: ThreadNews) => {
    const copied = structuredClone(news)
    if (copied.type === 'events') told.push(copied.events.map((event) => unpackEvent(event)))
  }
  return { clock, told, relay: new EventRelay(tell, clock) }
}

const flush = (durationMs: number): RuntimeEvent => ({ type: 'flush', stage: 'sink', durationMs })
const assigned: RuntimeEvent = { type: 'assigned', stage: 'source', tasks: ['0_0'] }
const passStarted: PassStartedEvent = {
  ...({ type: 'pass-started', stage: 'process', task: '0_0', node: 'in', topic: 'in', partition: 0, records: 1 } as const),
  ...({ firstOffset: 0, lastOffset: 0, batches: 1, trigger: 'age' } as const),
}

describe('events of a thread', () => {
  test("are told together, in order, and the application's own are not", async () => {
    const { clock, told, relay } = relaying()
    relay.observe(flush(1))
    relay.observe({ type: 'state', stage: 'source', from: 'created', to: 'rebalancing' })
    relay.observe(flush(2))
    expect(told).toEqual([])
    await clock.advance(20)
    expect(told).toEqual([[flush(1), flush(2)]])
    await clock.advance(1_000)
    expect(told).toHaveLength(1)
  })

  test('are told at once where somebody else may tell of the same task, and when there are many', () => {
    const { told, relay } = relaying()
    relay.observe(flush(1))
    relay.observe(assigned)
    expect(told).toEqual([[flush(1), assigned]])
    for (let i = 0; i < 1_000; i++) relay.observe(flush(i))
    expect(told.map((events) => events.length)).toEqual([2, 1_000])
  })

  test('are told before a pass that may keep the thread busy, unless that was just done', async () => {
    const { clock, told, relay } = relaying()
    relay.observe(passStarted)
    relay.observe(passStarted)
    expect(told).toEqual([[passStarted]])
    await clock.advance(20)
    expect(told).toHaveLength(2)
    relay.observe(passStarted)
    expect(told).toHaveLength(2)
    await clock.advance(20)
    expect(told).toHaveLength(3)
  })

  test('bring their errors, and of records no more than their own bytes', () => {
    const { told, relay } = relaying()
    const answer = Buffer.from('a whole answer of a broker')
    const record = { key: answer.subarray(2, 7), value: null, headers: [{ key: 'h', value: answer.subarray(8, 14) }], timestamp: 7 }
    const failure: FailureEvent = {
      ...({
        type: 'failure',
        stage: 'process',
        policy: 'skip',
        node: 'n',
        task: '0_0',
        topic: 'in',
        partition: 0,
        offset: 3,
        attempts: 1,
      } as const),
      ...{ error: new MillraceError('REFUSED', 'not this one', { stage: 'process', offset: 3 }), record },
    }
    relay.observe(failure)
    relay.flush()
    const [[event] = []] = told
    expect(event).toMatchObject({ type: 'failure', error: { code: 'REFUSED', message: 'not this one', offset: 3 } })
    const { key, headers } = (event as FailureEvent).record ?? {}
    expect([Buffer.from(key ?? []).toString(), key?.buffer.byteLength, headers?.[0]?.value?.buffer.byteLength]).toEqual(['whole', 5, 6])
  })
})

test('entries of the log bring their errors, and what can not be copied as text', () => {
  const told: ThreadNews[] = []
  const logger = relayedLogger((news) => void told.push(structuredClone(news)))
  logger.warn({ err: new RangeError('too far'), task: '0_0' }, 'it went wrong')
  logger.info({ nobody: () => 1 }, 'a function')
  expect(told).toMatchObject([
    {
      type: 'log',
      level: 'warn',
      message: 'it went wrong',
      fields: { task: '0_0' },
      errors: { err: { name: 'RangeError', message: 'too far' } },
    },
    { type: 'log', level: 'info', fields: { nobody: '() => 1' } },
  ])
})

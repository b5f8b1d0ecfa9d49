import { type CutEvent, type PassEndedEvent, type RuntimeEvent, serdes, silentLogger, TopologyBuilder } from '@millrace/core'
import { memory } from '@millrace/transport-memory'
import { expect, onTestFinished, test, vi } from 'vitest'
import { WaitingEvents } from '../../src/metrics/waiting-events.ts'
import { observed } from '../../src/telemetry.ts'

const at = { task: '0_3', topic: 'in', partition: 3, records: 5, trigger: 'records' } as const
const cut: CutEvent = { type: 'cut', stage: 'batch', ...at, bytes: 90, ageMs: 40 }
const pass: PassEndedEvent = {
  type: 'pass-ended',
  stage: 'process',
  node: 'source',
  ...at,
  firstOffset: 0,
  lastOffset: 4,
  batches: 1,
  outcome: 'done',
  done: 5,
  givenUp: 0,
  retries: 0,
  durationMs: 20,
  waitedMs: 0,
  waitingRecords: 0,
}

test('events wait until somebody reads, there are a hundred, or a second is over, and are told in their order with when they happened', () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_000 })
  onTestFinished(() => void vi.useRealTimers())
  const told: [RuntimeEvent['type'], number][] = []
  const timers: { readonly delayMs: number; readonly callback: () => void; cancelled: boolean }[] = []
  const waiting = new WaitingEvents({
    count: ({ type }, when) => void told.push([type, when]),
    now: () => Date.now(),
    after: (delayMs, callback) => {
      const timer = { delayMs, callback, cancelled: false }
      timers.push(timer)
      return () => {
        timer.cancelled = true
      }
    },
  })
  for (const event of [cut, pass, cut]) waiting.add(event)
  vi.setSystemTime(2_000)
  waiting.add(pass)
  expect(told).toEqual([])
  waiting.settle()
  const all = ['cut', 'pass-ended', 'cut', 'pass-ended']
  expect(told.map(([type]) => type)).toEqual(all)
  expect([told[1]?.[1], told[3]?.[1]]).toEqual([1_000, 2_000])
  for (let i = 0; i < 99; i++) waiting.add(cut)
  expect(told).toHaveLength(4)
  waiting.add(cut)
  expect(told).toHaveLength(104)
  waiting.settle()
  expect(told).toHaveLength(104)
  // One timer for all that come in a second.
  expect(timers.map(({ delayMs }) => delayMs)).toEqual([1_000])
  waiting.add(cut)
  timers[0]?.callback()
  expect(told).toHaveLength(105)
  waiting.add(cut)
  expect(timers).toHaveLength(2)
  waiting.close()
  expect([told.length, timers[1]?.cancelled]).toEqual([106, true])
})

test('what goes wrong is logged at once, and who throws keeps nobody else from being told', () => {
  const lines: string[] = []
  const say = (_: object, message: string) => {
    lines.push(message)
    if (message === 'a batch failed') throw new Error('the log is full')
  }
  const builder = new TopologyBuilder('in')
  builder.source('source', { topics: ['in'], key: serdes.string, value: serdes.string })
  const logger = { ...silentLogger, info: say, warn: say, error: say }
  const telemetry = observed({ topology: builder.build(), applicationId: 'app', transport: memory(), logger })
  const { observer } = telemetry.definition
  observer?.(pass)
  expect(lines).toEqual([])
  observer?.({ ...pass, givenUp: 1 })
  expect(lines).toEqual(['batches were processed', 'records of a batch failed'])
  observer?.({ ...pass, outcome: 'failed', done: 0, error: new Error('no') })
  observer?.({ ...pass, outcome: 'failed', done: 0, error: new Error('no') })
  expect(lines.slice(2)).toEqual(['a batch failed', 'a batch failed'])
})

test('who reads misses nothing that was told, and what is taken away is counted before it is forgotten', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 7_000 })
  onTestFinished(() => void vi.useRealTimers())
  const builder = new TopologyBuilder('in')
  builder.source('source', { topics: ['in'], key: serdes.string, value: serdes.string })
  const definition = { topology: builder.build(), applicationId: 'app', transport: memory(), logger: silentLogger }
  const telemetry = observed(definition)
  const { observer } = telemetry.definition
  observer?.(pass)
  vi.setSystemTime(9_000)
  const series = 'application="app",topic="in",partition="3"'
  const read = await telemetry.registry.metrics()
  expect(read).toContain(`millrace_passes_total{${series},outcome="done"} 1\n`)
  expect(read).toContain(`millrace_last_pass_timestamp_seconds{${series}} 7\n`)
  for (const event of [pass, cut, pass]) observer?.(event)
  expect(await telemetry.metrics()).toContain(`millrace_passes_total{${series},outcome="done"} 3\n`)
  for (const event of [pass, cut]) observer?.(event)
  observer?.({ type: 'revoked', stage: 'source', tasks: ['0_3'] })
  expect(await telemetry.registry.metrics()).not.toContain('partition="3"')
  await telemetry.close()
})

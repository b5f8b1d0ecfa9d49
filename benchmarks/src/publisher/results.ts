import Table from 'cli-table3'
import { median } from 'simple-statistics'
import type { TargetResult } from '../report/targets.ts'
import type { LoopUse, Sender } from './loop-use.ts'
import type { Latency, Throughput } from './ways.ts'

export const TIMEOUT_MS = 50
export const BATCH = 1_000
/** What a publisher has that is told nothing. */
export const DEFAULT_TIMEOUT_MS = 500
/** So few events a second that with those batches time is up before they are full. */
export const FEW = 50
export const LOOP_RATE = 10_000
export const SENDERS: readonly Sender[] = ['nobody', 'service', 'worker']
const MARGIN_MS = 20
const TIMES = 10
const PACKED_RATE = 200_000
/** The exit code where a target is not reached. */

/** Of each run. */
export interface Results {
  readonly awaited: readonly Throughput[]
  readonly published: readonly Throughput[]
  /** With the batches of a publisher that is told nothing. */
  readonly byDefault: readonly Throughput[]
  /** On the packed client, in larger batches. */
  readonly packed: readonly Throughput[]
  readonly latencies: readonly Latency[]
  readonly packedLatencies: readonly Latency[]
  readonly defaultLatencies: readonly Latency[]
  readonly loops: Readonly<Record<Sender, readonly LoopUse[]>>
}

export function tablesOf({ awaited, published, byDefault, packed, loops }: Results): string {
  const table = new Table({
    head: ['', 'events/s', 'slowest', 'fastest', 'us of its thread'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'right'],
  })
  for (const [name, runs] of [
    ['one awaited send after the other', awaited],
    [`publisher, batches of up to ${count(BATCH)}`, published],
    ['publisher, its defaults: batches of 50 to 200', byDefault],
    [`publisher on the packed client, batches of up to ${count(BATCH)}`, packed],
  ] as const) {
    const rates = runs.map(({ perSecond }) => perSecond)
    const thread = median(runs.map(({ threadMicros }) => threadMicros))
    table.push([name, ...[median(rates), Math.min(...rates), Math.max(...rates)].map(count), thread.toFixed(1)])
  }
  return `${table.toString()}\n${tellLoops(loops)}`
}

/** What was promised, and what became of it. */
export function targetsOf({ awaited, published, byDefault, packed, ...steady }: Results): TargetResult[] {
  const rate = median(packed.map(({ perSecond }) => perSecond))
  return [
    timesOf(`in batches of up to ${count(BATCH)}`, published, awaited),
    timesOf('with its defaults', byDefault, awaited),
    {
      says: `at least ${count(PACKED_RATE)} events a second on the packed client, not awaited one by one, in batches of up to ${count(BATCH)}`,
      reached: rate >= PACKED_RATE,
      measured: count(rate),
    },
    withinOf('with the first client', steady.latencies, { timeoutMs: TIMEOUT_MS, perSecond: 1_000 }),
    withinOf('with the packed client', steady.packedLatencies, { timeoutMs: TIMEOUT_MS, perSecond: 1_000 }),
    withinOf('with its defaults', steady.defaultLatencies, { timeoutMs: DEFAULT_TIMEOUT_MS, perSecond: FEW }),
  ]
}

function timesOf(how: string, published: readonly Throughput[], awaited: readonly Throughput[]): TargetResult {
  const times = median(published.map(({ perSecond }, run) => perSecond / (awaited[run] as Throughput).perSecond))
  const says = `at least ${TIMES} times the throughput of one awaited send outstanding, ${how}`
  return { says, reached: times >= TIMES, measured: `${times.toFixed(1)} times` }
}

function withinOf(
  how: string,
  runs: readonly Latency[],
  { timeoutMs, perSecond }: { readonly timeoutMs: number; readonly perSecond: number },
): TargetResult {
  const p99 = median(runs.map(({ p99Ms }) => p99Ms))
  const alone = median(runs.map(({ aloneMs }) => aloneMs))
  return {
    says: `p99 ${how} within the batch timeout (${timeoutMs} ms) plus ${MARGIN_MS} ms, at ${count(perSecond)} events a second`,
    reached: p99 <= timeoutMs + MARGIN_MS,
    measured: `${p99.toFixed(1)} ms (a timer of ${timeoutMs} ms and a send alone: ${alone.toFixed(1)} ms)`,
  }
}

/** Of the event loop of a service at a steady rate: how busy it is, what of the processor its thread takes, and how late it is. */
function tellLoops(loops: Results['loops']): string {
  const table = new Table({
    head: [`event loop at ${count(LOOP_RATE)} events/s`, 'busy', 'us of its thread', 'late, p99 ms'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right'],
  })
  const of = (sender: Sender, what: keyof LoopUse) => median(loops[sender].map((use) => use[what]))
  const names = { nobody: 'events are made, and not published', service: 'publisher', worker: 'publisher with a worker' }
  for (const sender of SENDERS)
    table.push([
      names[sender],
      `${(100 * of(sender, 'busy')).toFixed(1)} %`,
      of(sender, 'threadMicros').toFixed(1),
      of(sender, 'lateMs').toFixed(1),
    ])
  const ratio = (what: keyof LoopUse) =>
    median(loops.worker.map((use, run) => use[what] / (loops.service[run] as LoopUse)[what])).toFixed(2)
  return `${table.toString()}\nwith a worker the loop is busy ${ratio('busy')} times as long, and its thread takes ${ratio('threadMicros')} times the processor`
}

function count(number: number): string {
  return Math.round(number).toLocaleString('en')
}

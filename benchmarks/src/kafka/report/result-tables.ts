import { summarise } from '../../harness/summary.ts'
import type { RunResult } from '../run/run-once.ts'
import { ratio } from './bound-result.ts'
import { heapTable } from './heap.ts'
import { latencyTable } from './latency.ts'
import type { PlainTable } from '../../report/plain-table.ts'
import { profileTable } from '../../report/profile-parts.ts'
import { type ProgramResult, ratios, type Results, type WorkloadResult } from './results.ts'

const MEGABYTE = 1_048_576
/** What others are held against: the first that was measured. */
const OURS = ['millrace', 'millrace-packed'] as const
const HEAD = ['', 'records/s', 'spread', 'of Kafka Streams', 'CPU s', "broker's CPU s", 'peak MB', 'output', 'changelog', 'commits']

/** Everything that was measured. */
export function resultTables({ workloads, profiles, latencies, heap }: Results): PlainTable[] {
  const profiled = profiles.map(({ workload, programs }) => profileTable(`workload (${workload})`, programs))
  return [
    ratioTable(workloads),
    ...workloads.map(workloadTable),
    ...profiled,
    ...latencies.map(latencyTable),
    ...(heap === undefined ? [] : [heapTable(heap)]),
  ]
}

/** How the batch processor does beside all others: with latency, and with size, its gain grows or shrinks. */
export function ratioTable(workloads: readonly WorkloadResult[]): PlainTable {
  const titles = new Map(workloads.flatMap(({ programs }) => programs.map(({ name, title }) => [name, title] as const)))
  const ours = OURS.find((name) => titles.has(name)) ?? 'millrace'
  const others = [...titles.keys()].filter((name) => name !== ours)
  return {
    title: `How many times as fast ${titles.get(ours) ?? ours} is, medians of the ratios of all rounds`,
    head: ['', ...others.map((name) => titles.get(name) as string)],
    rows: workloads.map((workload) => [
      `(${workload.name}) ${workload.title}`,
      ...others.map((name) => {
        const all = ratios(workload, ours, name)
        return all.length === 0 ? '' : ratio(summarise(all).median)
      }),
    ]),
  }
}

/** One workload: a row a program. CPU seconds are for a million records. */
export function workloadTable(workload: WorkloadResult): PlainTable {
  const { name, title, programs } = workload
  const rounds = Math.max(0, ...programs.map(({ runs }) => runs.length))
  return {
    title: `(${name}) ${title}: median of ${rounds} ${rounds === 1 ? 'run' : 'runs'}`,
    head: HEAD,
    rows: programs.filter(({ runs }) => runs.length > 0).map((program) => rowOf(program, workload)),
  }
}

function rowOf({ name, title, runs }: ProgramResult, workload: WorkloadResult): readonly string[] {
  const rates = summarise(runs.map(({ recordsPerSecond }) => recordsPerSecond))
  const against = ratios(workload, name, 'kafka-streams')
  return [
    title,
    whole(rates.median),
    `${whole(rates.min)}-${whole(rates.max)}`,
    against.length === 0 || name === 'kafka-streams' ? '' : ratio(summarise(against).median),
    medianOf(runs, ({ cpuSecondsPerMillion }) => cpuSecondsPerMillion, seconds),
    medianOf(runs, ({ brokerCpuSecondsPerMillion }) => brokerCpuSecondsPerMillion, seconds),
    medianOf(
      runs,
      ({ peakBytes }) => peakBytes,
      (bytes) => whole(bytes / MEGABYTE),
    ),
    medianOf(runs, ({ outputRecords }) => outputRecords, whole),
    medianOf(runs, ({ changelogRecords }) => changelogRecords, whole),
    medianOf(runs, ({ commits }) => commits, whole),
  ]
}

function medianOf(runs: readonly RunResult[], of: (run: RunResult) => number | undefined, show: (value: number) => string): string {
  const known = runs.map(of).filter((value) => value !== undefined)
  return known.length === 0 ? '-' : show(summarise(known).median)
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function seconds(value: number): string {
  return value.toFixed(1)
}

import { summarise } from '../../harness/summary.ts'
import type { ProgramName } from '../programs/programs.ts'
import type { RunResult } from '../run/run-once.ts'
import { type BoundResult, ratio } from './bound-result.ts'
import { heapBound } from './heap.ts'
import { latencyBound } from './latency.ts'
import { ratios, type Results } from './results.ts'

interface Bound {
  readonly workload: string
  readonly program: ProgramName
  readonly against: ProgramName
  /** What is compared. Default: throughput. */
  readonly figure?: (run: RunResult) => number | undefined
  readonly least?: number
  readonly most?: number
  readonly says: string
}

const BOUNDS: readonly Bound[] = [
  { workload: 'a', program: 'millrace', against: 'kafka-streams', least: 0.9, says: '(a) at least 0.9 times Kafka Streams, caching off' },
  { workload: 'b', program: 'millrace', against: 'kafka-streams', least: 1, says: '(b) at least 1.0 times Kafka Streams with its cache' },
  { workload: 'c', program: 'millrace', against: 'kafka-streams', least: 0.9, says: '(c) at least 0.9 times Kafka Streams, exactly once' },
  {
    workload: 'a',
    program: 'millrace',
    against: 'by-hand',
    least: 0.9,
    says: '(a) at least 0.9 times the loop by hand on the same client',
  },
  { workload: 'a', program: 'millrace', against: 'kafkajs-message', least: 40, says: '(a) at least 40 times the loop per message' },
  {
    workload: 'a',
    program: 'millrace',
    against: 'millrace-single',
    most: 1.5,
    says: '(a) batches at most 1.5 times as fast as single records',
  },
  { workload: 'e', program: 'millrace', against: 'bare-read', least: 0.8, says: '(e) at least 0.8 times a bare read' },
  ...(
    [
      ['a', 'caching off', 4],
      ['b', 'with its cache', 4],
      ['c', 'exactly once', 3],
      ['d', 'no state', 4],
    ] as const
  ).map(([workload, how, least]): Bound => ({
    workload,
    program: 'millrace-packed',
    against: 'kafka-streams',
    least,
    says: `(${workload}) on the packed client at least ${least} times Kafka Streams, ${how}`,
  })),
  {
    workload: 'a',
    program: 'millrace-packed',
    against: 'kafka-streams',
    figure: ({ cpuSecondsPerMillion }) => cpuSecondsPerMillion,
    most: 1 / 3,
    says: '(a) on the packed client at most a third of the CPU time of Kafka Streams',
  },
  {
    workload: 'a',
    program: 'millrace-packed',
    against: 'kafka-streams',
    figure: ({ peakBytes }) => peakBytes,
    most: 1,
    says: '(a) on the packed client at most as much resident memory as Kafka Streams',
  },
  {
    workload: 'a',
    program: 'millrace-packed',
    against: 'by-hand-packed',
    least: 0.8,
    says: '(a) on the packed client at least 0.8 times the loop by hand on it',
  },
  {
    workload: 'g',
    program: 'millrace-threads',
    against: 'millrace-packed',
    least: 1.6,
    says: '(g) two threads at least 1.6 times one (on two free cores)',
  },
  { workload: 'e', program: 'millrace-memory', against: 'bare-read', least: 0.8, says: '(e) in memory, at least 0.8 times a bare read' },
]

const LEAST_OF_GROWTH = 0.9
/** What a commit takes comes on top of the interval for who waits for it. */
const LEAST_OF_COMMITS = 0.25
/** In fewer of them a commit more or less is too much. */
const INTERVALS = 5

/** The bounds of what was measured. */
export function boundResults(results: Results): BoundResult[] {
  return [
    ...BOUNDS.flatMap((bound) => boundResult(results, bound)),
    ...heapBound(results.heap ?? []),
    ...results.latencies.flatMap(latencyBound),
    ...growthResults(results),
    ...commitResults(results),
  ]
}

function boundResult(
  { workloads }: Results,
  { workload, program, against, figure, least = 0, most = Infinity, says }: Bound,
): BoundResult[] {
  const found = workloads.find(({ name }) => name === workload)
  const all = found === undefined ? [] : ratios(found, program, against, figure)
  if (all.length === 0) return []
  const { median, min, max } = summarise(all)
  return [{ says, reached: median >= least && median <= most, measured: `${ratio(median)} (${ratio(min)}-${ratio(max)})` }]
}

/** With ten times of something, the ratio to Kafka Streams is to stay what it is with one. */
function growthResults({ workloads }: Results): BoundResult[] {
  const medianOf = (workload: string) => {
    const found = workloads.find(({ name }) => name === workload)
    const all = found === undefined ? [] : ratios(found, 'millrace', 'kafka-streams')
    return all.length === 0 ? undefined : summarise(all).median
  }
  const before = medianOf('a')
  if (before === undefined) return []
  return ['keys', 'partitions', 'values'].flatMap((what) => {
    const after = medianOf(`a-${what}`)
    if (after === undefined) return []
    const says = `10 times the ${what}: at least ${LEAST_OF_GROWTH} of the ratio to Kafka Streams with one`
    return [
      { says, reached: after / before >= LEAST_OF_GROWTH, measured: `${ratio(after / before)} (${ratio(after)} of ${ratio(before)})` },
    ]
  })
}

/** A program that commits more rarely than it was told to saves work: of those that ran for some intervals the one that did so most. */
function commitResults({ workloads }: Results): BoundResult[] {
  return workloads.flatMap(({ name, commitIntervalMs, programs }) => {
    const shares = programs.flatMap(({ title, runs }) => {
      const long = runs.filter(({ ms, commits }) => commits !== undefined && ms >= INTERVALS * commitIntervalMs)
      if (long.length === 0) return []
      return [{ title, share: summarise(long.map(({ ms, commits = 0 }) => (commits * commitIntervalMs) / ms)).median }]
    })
    const [rarest] = shares.toSorted((a, b) => a.share - b.share)
    if (rarest === undefined) return []
    const says = `(${name}) fair: each program commits at least ${LEAST_OF_COMMITS} times as often as its interval says`
    return [{ says, reached: rarest.share >= LEAST_OF_COMMITS, measured: `${ratio(rarest.share)} (${rarest.title})` }]
  })
}

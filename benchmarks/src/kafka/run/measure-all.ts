import { summarise } from '../../harness/summary.ts'
import { type Choice, LATENCIES, type LatencyName } from '../command-line/choice.ts'
import { millraceIn, type Program, type ProgramName } from '../programs/programs.ts'
import { drawn } from '../report/plain-table.ts'
import { heapTable } from '../report/heap.ts'
import { type LatencyResult, type LatencyRow, latencyTable } from '../report/latency.ts'
import { workloadTable } from '../report/result-tables.ts'
import { profileTable } from '../report/profile-parts.ts'
import type { ProfileResult, Results, WorkloadResult } from '../report/results.ts'
import type { Workload } from '../workloads.ts'
import { type HeapRuns, measureHeaps } from './measure-heaps.ts'
import { measureLatency } from './measure-latency.ts'
import { measureProfiles } from './measure-profiles.ts'
import { measureWorkload } from './measure-workload.ts'
import { runOnce } from './run-once.ts'
import type { Surroundings } from './surroundings.ts'

const SHARES = [0.1, 0.5, 0.9]
const LATENCY = { warmUpMs: 5_000, measuredMs: 10_000 }
const HEAPS_MB = { kafkaStreams: [64, 96, 128, 192, 256, 384, 512, 1_024, 2_048], millrace: [48, 64, 96, 128, 192] }

export interface AllParts {
  readonly choice: Choice
  /** By name, also of those that were not chosen. */
  readonly workload: (name: string) => Workload
  readonly program: (name: ProgramName) => Program
  /** Kafka Streams in a heap of so many megabytes. */
  readonly kafkaStreams: (heapMb: number) => Program
  readonly rounds: number
  readonly surroundings: Surroundings
  /** Where CPU profiles go; undefined: there are none. */
  readonly profileFolder: string | undefined
  readonly say: (line: string) => void
}

/** Measures what was chosen, one after the other, and tells each result when it is there. */
export async function measureAll(parts: AllParts): Promise<Pick<Results, 'workloads' | 'profiles' | 'latencies' | 'heap'>> {
  const { choice, say } = parts
  const workloads: WorkloadResult[] = []
  const profiles: ProfileResult[] = []
  for (const workload of choice.workloads) {
    if (workload.distant && parts.surroundings.brokers.distant === undefined) {
      say(`(${workload.name}) is left out: brokers that are not ours can't be put behind a proxy.\n`)
      continue
    }
    const result = await throughput(workload, parts)
    say(`\n${drawn(workloadTable(result))}`)
    workloads.push(result)
    if (parts.profileFolder === undefined) continue
    const profiled = await profilesOf(workload, parts.profileFolder, parts)
    say(drawn(profileTable(profiled.workload, profiled.programs)))
    profiles.push(profiled)
  }
  const latencies: LatencyResult[] = []
  for (const name of choice.latencies) {
    const result = await latencyOf(name, workloads, parts)
    say(`\n${drawn(latencyTable(result))}`)
    latencies.push(result)
  }
  if (!choice.heap) return { workloads, profiles, latencies }
  const heap = await heaps(parts)
  say(`\n${drawn(heapTable(heap))}`)
  return { workloads, profiles, latencies, heap }
}

async function throughput(workload: Workload, { program, rounds, surroundings, say }: AllParts): Promise<WorkloadResult> {
  const { name, title } = workload
  const measured = await measureWorkload(workload, {
    programs: workload.programs.map(program),
    rounds,
    surroundings,
    onRun: (one, { recordsPerSecond }) => say(`  (${name}) ${one.title}: ${Math.round(recordsPerSecond).toLocaleString('en')} records/s`),
  })
  return { name, title, programs: measured.map(({ program: one, runs }) => ({ name: one.name, title: one.title, runs })) }
}

async function profilesOf(workload: Workload, folder: string, { program, surroundings }: AllParts): Promise<ProfileResult> {
  const programs = workload.programs.filter((name) => name !== 'kafka-streams').map(program)
  return { workload: workload.name, programs: await measureProfiles(workload, { programs, surroundings, folder }) }
}

/** At shares of the throughput that was just measured, or that one run has. */
async function latencyOf(name: LatencyName, measured: readonly WorkloadResult[], parts: AllParts): Promise<LatencyResult> {
  const workload = parts.workload(LATENCIES[name])
  const { surroundings, say } = parts
  const rows: LatencyRow[] = []
  for (const program of workload.programs.map(parts.program)) {
    const known = measured.find((one) => one.name === workload.name)?.programs.find((one) => one.name === program.name)?.runs
    const runs = known ?? [await runOnce(program, workload, surroundings)]
    const highest = summarise(runs.map(({ recordsPerSecond }) => recordsPerSecond)).median
    const shares = []
    for (const share of SHARES) {
      const latency = await measureLatency(program, workload, { surroundings, rate: highest * share, ...LATENCY })
      say(
        `  (${name}) ${program.title}, ${Math.round(latency.rate).toLocaleString('en')} records/s: ${latency.p50} ms, p99 ${latency.p99} ms`,
      )
      shares.push({ share, ...latency })
    }
    rows.push({ title: program.title, shares })
  }
  return { workload: workload.name, rows }
}

function heaps({ workload, program, kafkaStreams, rounds, surroundings, say }: AllParts): Promise<HeapRuns[]> {
  const millrace = (heapMb: number | undefined) => (heapMb === undefined ? program('millrace') : millraceIn(heapMb))
  return measureHeaps(workload('a'), { surroundings, rounds, kafkaStreams, heapsMb: HEAPS_MB, millrace, say })
}

import { summarise } from '../../harness/summary.ts'
import { type Choice, LATENCIES, type LatencyName } from '../command-line/choice.ts'
import { millraceIn, type Program, type ProgramName } from '../programs/programs.ts'
import { drawn } from '../../report/plain-table.ts'
import { heapTable } from '../report/heap.ts'
import { type LatencyResult, type LatencyRow, latencyTable } from '../report/latency.ts'
import { workloadTable } from '../report/result-tables.ts'
import { profileTable } from '../../report/profile-parts.ts'
import type { ProfileResult, Results, WorkloadResult } from '../report/results.ts'
import type { Workload } from '../workloads.ts'
import { type HeapRuns, measureHeaps } from './measure-heaps.ts'
import { measureLatency } from './measure-latency.ts'
import { measureProfiles } from './measure-profiles.ts'
import { measureWorkload } from './measure-workload.ts'
import { runOnce } from './run-once.ts'
import { ProgramFailure } from './run-program.ts'
import type { Surroundings } from './surroundings.ts'

const SHARES = [0.1, 0.5, 0.9]
const LATENCY = { warmUpMs: 3_000, measuredMs: 7_000 }
/** The others' records cost what these do. */
const PROFILED: readonly string[] = ['a', 'c', 'e']
const HEAPS_MB = { kafkaStreams: [64, 96, 128, 192, 256, 1_024], millrace: [96] }

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
  /** What was measured before. */
  readonly known: readonly WorkloadResult[]
  /** What is not to be measured once more. */
  readonly isThere: (name: string) => boolean
  /** Told each result when it is there, with the name it is chosen by. */
  readonly onResult: (name: string, result: PartOfResults) => Promise<void>
}

export type PartOfResults = Partial<Pick<Results, 'workloads' | 'profiles' | 'latencies' | 'heap'>>

/** Measures what was chosen, one after the other. */
export async function measureAll(parts: AllParts): Promise<void> {
  const { choice, say, onResult, isThere } = parts
  const measured = [...parts.known]
  for (const workload of choice.workloads) {
    if (workload.distant && parts.surroundings.brokers.distant === undefined) {
      say(`(${workload.name}) is left out: brokers that are not ours can't be put behind a proxy.\n`)
      continue
    }
    if (!isThere(workload.name)) {
      const result = await throughput(workload, parts)
      say(`\n${drawn(workloadTable(result))}`)
      measured.unshift(result)
      await onResult(workload.name, { workloads: [result] })
    }
    if (parts.profileFolder === undefined || !PROFILED.includes(workload.name) || isThere(`profile-${workload.name}`)) continue
    const profiled = await profilesOf(workload, parts.profileFolder, parts)
    say(drawn(profileTable(`workload (${profiled.workload})`, profiled.programs)))
    await onResult(`profile-${workload.name}`, { profiles: [profiled] })
  }
  for (const name of choice.latencies.filter((one) => !isThere(one))) {
    const result = await latencyOf(name, measured, parts)
    say(`\n${drawn(latencyTable(result))}`)
    await onResult(name, { latencies: [result] })
  }
  if (!choice.heap || isThere('heap')) return
  const heap = await heaps(parts)
  say(`\n${drawn(heapTable(heap))}`)
  await onResult('heap', { heap })
}

async function throughput(workload: Workload, { program, rounds, surroundings, say }: AllParts): Promise<WorkloadResult> {
  const { name, title, commitIntervalMs } = workload
  const measured = await measureWorkload(workload, {
    programs: workload.programs.map(program),
    rounds,
    surroundings,
    onRun: (one, { recordsPerSecond }) => say(`  (${name}) ${one.title}: ${Math.round(recordsPerSecond).toLocaleString('en')} records/s`),
  })
  return { name, title, commitIntervalMs, programs: measured.map(({ program: one, runs }) => ({ name: one.name, title: one.title, runs })) }
}

async function profilesOf(workload: Workload, folder: string, { program, surroundings }: AllParts): Promise<ProfileResult> {
  const programs = workload.programs.filter((name) => name !== 'kafka-streams').map(program)
  return { workload: workload.name, programs: await measureProfiles(workload, { programs, surroundings, folder }) }
}

/** At shares of the throughput that was just measured, or that one run has; on the packed client also at shares of what Kafka Streams has. */
async function latencyOf(name: LatencyName, measured: readonly WorkloadResult[], parts: AllParts): Promise<LatencyResult> {
  const workload = parts.workload(LATENCIES[name])
  const rows: LatencyRow[] = []
  const best = new Map<ProgramName, number>()
  for (const program of workload.programs.map(parts.program)) {
    const known = measured.find((one) => one.name === workload.name)?.programs.find((one) => one.name === program.name)?.runs
    const runs = known ?? [await runOnce(program, workload, parts.surroundings)]
    const highest = summarise(runs.map(({ recordsPerSecond }) => recordsPerSecond)).median
    best.set(program.name, highest)
    rows.push({ program: program.name, title: program.title, shares: await latencies(program, { name, workload, highest }, parts) })
  }
  const highest = best.get('kafka-streams')
  if (highest !== undefined && best.has('millrace-packed')) {
    const program = parts.program('millrace-packed')
    const shares = await latencies(program, { name, workload, highest }, parts)
    rows.push({ program: program.name, of: 'kafka-streams', title: `${program.title}, shares of Kafka Streams' highest`, shares })
  }
  return { workload: workload.name, rows }
}

interface LatencyOf {
  readonly name: LatencyName
  readonly workload: Workload
  /** Records a second, of which the shares are. */
  readonly highest: number
}

async function latencies(program: Program, { name, workload, highest }: LatencyOf, { surroundings, say }: AllParts) {
  const shares: LatencyRow['shares'][number][] = []
  for (const share of SHARES) {
    const rate = highest * share
    const told = `  (${name}) ${program.title}, ${Math.round(rate).toLocaleString('en')} records/s:`
    try {
      const latency = await measureLatency(program, workload, { surroundings, rate, ...LATENCY })
      say(`${told} ${latency.p50} ms, p99 ${latency.p99} ms`)
      shares.push({ share, ...latency })
    } catch (error) {
      // One of the others that stands still says nothing of the rest. One that writes what is wrong does.
      if (!(error instanceof ProgramFailure && error.isShortOfMemory) || program.name.startsWith('millrace')) throw error
      say(`${told} it did not come to its end`)
      shares.push({ share, rate })
    }
  }
  return shares
}

function heaps({ workload, program, kafkaStreams, rounds, surroundings, say }: AllParts): Promise<HeapRuns[]> {
  const millrace = (heapMb: number | undefined) => (heapMb === undefined ? program('millrace') : millraceIn(heapMb))
  return measureHeaps(workload('a'), { surroundings, rounds, kafkaStreams, heapsMb: HEAPS_MB, millrace, say })
}

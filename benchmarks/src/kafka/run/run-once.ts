import type { IsolationLevel } from '@millrace/core'
import { checkCommits } from '../check/check-commits.ts'
import { checkCounts } from '../check/check-counts.ts'
import { checkMapped } from '../check/check-mapped.ts'
import { checkState } from '../check/check-state.ts'
import { countCommits } from '../check/count-commits.ts'
import { readTopic, type TopicEnd } from '../check/read-topic.ts'
import { countsOf, type InputShape } from '../input/input-shape.ts'
import { restoredCount } from '../input/write-records.ts'
import { isStateless, type ProgramConfig } from '../programs/program-config.ts'
import type { Program } from '../programs/programs.ts'
import { shapeFor, type Workload } from '../workloads.ts'
import { prepareRun } from './prepare-run.ts'
import { processorMs } from './processor-time.ts'
import { type ProgramEnd, runProgram } from './run-program.ts'
import type { Surroundings } from './surroundings.ts'

const LIMIT_MS = 1_800_000

export interface RunOptions {
  /** Where a CPU profile of the program goes. */
  readonly profileFile?: string
  /** It is killed then. */
  readonly limitMs?: number
}

/** What one run of a program came to, when its results were found right. */
export interface RunResult {
  readonly records: number
  readonly ms: number
  /** A second, from the first record read to the last commit acknowledged. */
  readonly recordsPerSecond: number
  /** Of the program, for each million of records. */
  readonly cpuSecondsPerMillion: number
  /** Of all brokers; absent where that can't be told. */
  readonly brokerCpuSecondsPerMillion?: number | undefined
  /** Absent where that can't be told. */
  readonly peakBytes?: number | undefined
  readonly outputRecords: number
  /** Absent where there is no changelog. */
  readonly changelogRecords?: number | undefined
  /** How often it committed; absent where it has nothing to commit. */
  readonly commits?: number | undefined
}

/** Runs a program over a workload's input, and checks what it wrote and what its store holds. Rejects if anything of it is wrong. */
export async function runOnce(
  program: Program,
  workload: Workload,
  surroundings: Surroundings,
  options: RunOptions = {},
): Promise<RunResult> {
  const { profileFile, limitMs = LIMIT_MS } = options
  const shape = shapeFor(program.name, workload)
  const input = await surroundings.input(workload.work === 'restore' ? { ...shape, records: 0 } : shape)
  await using run = await prepareRun(program, workload, { surroundings, shape, input, profileFile })
  try {
    const brokerCpuMs = () => processorMs(surroundings.brokers.processIds)
    const end = await runProgram(program, run.config, { brokerCpuMs, limitMs })
    return { ...figuresOf(end, shape.records), ...(await checked(program, run.config, { shape, surroundings })) }
  } catch (error) {
    throw new Error(`${program.title}, workload ${workload.name}: ${(error as Error).message}`, { cause: error })
  }
}

interface Around {
  readonly shape: InputShape
  readonly surroundings: Surroundings
}

function figuresOf({ ms, cpuMs, peakBytes, brokerCpuMs }: ProgramEnd, records: number) {
  const perMillion = (milliseconds: number) => (milliseconds * 1_000) / records
  return {
    records,
    ms,
    recordsPerSecond: (records * 1_000) / ms,
    cpuSecondsPerMillion: perMillion(cpuMs),
    ...(brokerCpuMs !== undefined && { brokerCpuSecondsPerMillion: perMillion(brokerCpuMs) }),
    ...(peakBytes > 0 && { peakBytes }),
  }
}

async function checked(program: Program, config: ProgramConfig, around: Around) {
  const { work, guarantee, output, changelog, partitions, stateFile } = config
  const { shape, surroundings } = around
  const isolation: IsolationLevel = guarantee === 'exactly-once' ? 'read-committed' : 'read-uncommitted'
  const { transport, openReader } = surroundings
  const reading = (topic: string) => ({ transport, openReader, topic, partitions, isolation })
  if (work === 'restore') {
    const expected = Array.from({ length: shape.keys }, (_, number) => restoredCount(number))
    if (program.hasState) await checkState(stateFile, expected)
    return { outputRecords: 0, changelogRecords: (await readTopic(reading(changelog), () => undefined)).records }
  }
  if (isStateless(work)) {
    const written = await checkMapped(reading(output), shape)
    return { outputRecords: written.records, commits: await committed(config, written, around) }
  }
  const written = await checkCounts(reading(output), shape, work === 'count' ? 'every-record' : 'ascending')
  await checkState(stateFile, countsOf(shape))
  const commits = await committed(config, written, around)
  if (program.changelog === 'has-none') return { outputRecords: written.records, commits }
  const changes = await checkCounts(reading(changelog), shape, 'last')
  return { outputRecords: written.records, changelogRecords: changes.records, commits }
}

/** How often a program committed; checks that it did as it was told. */
async function committed(config: ProgramConfig, written: TopicEnd, { surroundings }: Around): Promise<number> {
  const { applicationId, input, guarantee } = config
  const { transport, openReader } = surroundings
  const commits = await countCommits(
    { transport, openReader, partitions: await surroundings.offsetsPartitions() },
    { group: applicationId, topic: input },
  )
  const offsets = await surroundings.committed(applicationId, input, config.partitions)
  checkCommits({ guarantee, offsets, output: written.partitions })
  return commits
}

import type { Program, ProgramName } from '../programs/programs.ts'
import type { Workload } from '../workloads.ts'
import { type RunResult, runOnce } from './run-once.ts'
import { ProgramFailure } from './run-program.ts'
import type { Surroundings } from './surroundings.ts'

/** Who takes longer collects garbage most of the time. */
const LIMIT_MS = 180_000

export interface HeapOptions {
  readonly surroundings: Surroundings
  readonly rounds: number
  /** Kafka Streams in a heap of so many megabytes, and Millrace; undefined: in Node's default heap, which grows as V8 sees fit. */
  readonly kafkaStreams: (heapMb: number) => Program
  readonly millrace: (heapMb: number | undefined) => Program
  readonly heapsMb: { readonly kafkaStreams: readonly number[]; readonly millrace: readonly number[] }
  readonly say: (line: string) => void
}

/** How one of them does in a heap of this size. */
export interface HeapRuns {
  readonly program: ProgramName
  /** Undefined: Millrace in Node's default heap. */
  readonly heapMb?: number
  readonly title: string
  readonly runs: readonly RunResult[]
  /** Why it ended early: a heap that is too small is told, and not tried again. */
  readonly failure?: string
}

/** Runs both in heaps of all these sizes, in turns. */
export async function measureHeaps(workload: Workload, options: HeapOptions): Promise<HeapRuns[]> {
  const { surroundings, rounds, kafkaStreams, heapsMb, millrace, say } = options
  const contenders: Contender[] = [undefined, ...heapsMb.millrace]
    .map((heapMb): Contender => ({ program: millrace(heapMb), heapMb, runs: [], failure: undefined }))
    .concat(heapsMb.kafkaStreams.map((heapMb) => ({ program: kafkaStreams(heapMb), heapMb, runs: [], failure: undefined })))
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(round + i) % contenders.length] as Contender
      const { program, heapMb, runs } = contender
      if (contender.failure !== undefined) continue
      const title = titleOf(program, heapMb)
      try {
        const result = await runOnce(program, workload, surroundings, { limitMs: LIMIT_MS })
        runs.push(result)
        say(`  (heap) ${title}: ${Math.round(result.recordsPerSecond).toLocaleString('en')} records/s`)
      } catch (error) {
        if (heapMb === undefined || !isShortOfMemory(error)) throw error
        contender.failure = (error as Error).message.split('\n', 1)[0] ?? ''
        say(`  (heap) ${title}: does not do it`)
      }
    }
  }
  return contenders.map(({ program, heapMb, runs, failure }) => ({
    program: program.name,
    title: titleOf(program, heapMb),
    runs: failure === undefined ? runs : [],
    ...(heapMb !== undefined && { heapMb }),
    ...(failure !== undefined && { failure }),
  }))
}

/** Anything else, such as a result that is wrong, says nothing of a heap. */
export function isShortOfMemory(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof ProgramFailure && error.cause.isShortOfMemory
}

interface Contender {
  readonly program: Program
  readonly heapMb: number | undefined
  readonly runs: RunResult[]
  failure: string | undefined
}

function titleOf({ title }: Program, heapMb: number | undefined): string {
  return `${title}, ${heapMb === undefined ? "Node's default heap" : `heap of ${heapMb} MiB`}`
}

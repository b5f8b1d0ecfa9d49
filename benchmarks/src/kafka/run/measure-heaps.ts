import type { Program } from '../programs/programs.ts'
import type { Workload } from '../workloads.ts'
import { type RunResult, runOnce } from './run-once.ts'
import type { Surroundings } from './surroundings.ts'

export interface HeapOptions {
  readonly surroundings: Surroundings
  readonly rounds: number
  /** Kafka Streams in a heap of so many megabytes. */
  readonly kafkaStreams: (heapMb: number) => Program
  readonly heapsMb: readonly number[]
  readonly millrace: Program
  readonly say: (line: string) => void
}

/** How Kafka Streams does in a heap of this size, and Millrace in the same rounds. */
export interface HeapRuns {
  /** Undefined: Millrace, which has none. */
  readonly heapMb?: number
  readonly title: string
  readonly runs: readonly RunResult[]
  /** Why it ended early: a heap that is too small is told, and not tried again. */
  readonly failure?: string
}

/** Runs Kafka Streams in heaps of all these sizes, and Millrace, in turns. */
export async function measureHeaps(workload: Workload, options: HeapOptions): Promise<HeapRuns[]> {
  const { surroundings, rounds, kafkaStreams, heapsMb, millrace, say } = options
  const contenders = [
    { program: millrace, runs: [] as RunResult[], heapMb: undefined as number | undefined, failure: undefined as string | undefined },
    ...heapsMb.map((heapMb) => ({
      program: kafkaStreams(heapMb),
      runs: [] as RunResult[],
      heapMb,
      failure: undefined as string | undefined,
    })),
  ]
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(round + i) % contenders.length] as (typeof contenders)[number]
      const { program, heapMb, runs } = contender
      if (contender.failure !== undefined) continue
      const title = titleOf(program, heapMb)
      try {
        const result = await runOnce(program, workload, surroundings)
        runs.push(result)
        say(`  (heap) ${title}: ${Math.round(result.recordsPerSecond).toLocaleString('en')} records/s`)
      } catch (error) {
        if (heapMb === undefined) throw error
        contender.failure = (error as Error).message.split('\n', 1)[0] ?? ''
        say(`  (heap) ${title}: does not do it`)
      }
    }
  }
  return contenders.map(({ program, heapMb, runs, failure }) => ({
    title: titleOf(program, heapMb),
    runs: failure === undefined ? runs : [],
    ...(heapMb !== undefined && { heapMb }),
    ...(failure !== undefined && { failure }),
  }))
}

function titleOf({ title }: Program, heapMb: number | undefined): string {
  return heapMb === undefined ? title : `${title}, heap of ${heapMb} MiB`
}

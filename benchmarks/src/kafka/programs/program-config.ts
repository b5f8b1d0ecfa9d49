/** What a program does with its input. */
export type Work =
  /** Counts per key; one output for each record. */
  | 'count'
  /** The same; one output for each key of a batch, or of what its cache gathers. */
  | 'count-last'
  /** Drops every other record, and writes the values of the others in capitals. */
  | 'map'
  /** The same, with work that keeps a core busy for each record. */
  | 'busy-map'
  /** Reads its store back from its changelog. */
  | 'restore'

/** Whether it has no store, and so no changelog. */
export function isStateless(work: Work): boolean {
  return work === 'map' || work === 'busy-map'
}

/** What every program is told. Topics are there; the changelog of a store is called as Kafka Streams calls it. */
export interface ProgramConfig {
  readonly work: Work
  readonly guarantee: 'at-least-once' | 'exactly-once'
  readonly brokers: string
  readonly applicationId: string
  readonly input: string
  readonly output: string
  readonly changelog: string
  /** Of every topic. */
  readonly partitions: number
  /** It processes so many, commits, and ends. */
  readonly records: number
  readonly commitIntervalMs: number
  /** Empty. */
  readonly stateDir: string
  /** Where it writes what its store holds at the end: a line `key<TAB>count` for each key. */
  readonly stateFile: string
  /** Where it writes a CPU profile of the time that is measured, if it is JavaScript. */
  readonly profileFile?: string | undefined
}

export const STORE = 'counts'

/** What it tells on stdout, a line of JSON each. */
export type ProgramMessage =
  /** It has read its first record. */
  { readonly type: 'started' } | ProgramDone

/** Its last commit is acknowledged. */
export interface ProgramDone {
  readonly type: 'done'
  /** Since its first record. */
  readonly ms: number
  /** Of the processor, since its first record. */
  readonly cpuMs: number
  /** Resident since it began, at most; 0 where that can't be told. */
  readonly peakBytes: number
}

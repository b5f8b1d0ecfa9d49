/** What `/live.json` answers. */
export interface Live {
  readonly application: string
  /** Of the process: another one has other dead letters. */
  readonly instance?: string
  readonly now: number
  readonly readiness: { readonly ready: boolean; readonly state: string; readonly problems: readonly Problem[] }
  readonly graph: { readonly nodes: readonly GraphNode[]; readonly edges: readonly GraphEdge[] }
  readonly nodes: Readonly<Record<string, number>>
  readonly edges: readonly { readonly from: string; readonly to: string; readonly records: number }[]
  readonly partitions: readonly Partition[]
  /** Of an application that is spread over worker threads. */
  readonly threads?: readonly Thread[]
  /** Circuits of sinks outside of the log that are not closed: by node, and by table. */
  readonly sinks?: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly stores: readonly Store[]
  readonly restores: readonly Restore[]
  /** State of tasks that are elsewhere, kept up to date here. */
  readonly standbys?: readonly Standby[]
  /** The latest first; of an answer, those that were not told yet. */
  readonly deadLetters: readonly DeadLetter[]
  readonly changes: readonly Change[]
}

export interface Problem {
  readonly reason: string
  readonly detail: string
}

export interface GraphNode {
  readonly name: string
  readonly kind: 'source' | 'processor' | 'sink' | 'outside-sink'
  readonly subTopology: number
  readonly topics: readonly string[]
  readonly stores: readonly string[]
}

export interface GraphEdge {
  readonly from: string
  readonly to: string
  readonly output: string
}

export interface Partition {
  readonly task: string
  readonly thread?: number
  readonly state: string
  readonly topic: string
  readonly partition: number
  readonly position: number
  readonly waitingRecords: number
  readonly batchSize: number | string
  readonly waitsFor?: string
  readonly circuits: Readonly<Record<string, string>>
  readonly lag?: number
  readonly inFlight: number
  readonly records?: number
  readonly batches?: number
  readonly lastBatch?: number
  readonly retries?: number
  readonly givenUp?: number
  readonly triggers?: Readonly<Record<string, number>>
}

export interface Thread {
  readonly thread: number
  readonly state: string
  readonly tasks: readonly string[]
  readonly silentMs: number
  readonly replaced: number
  readonly utilization: number
}

export interface Store {
  readonly task: string
  readonly store: string
  readonly entries: number
  readonly uncommittedBytes: number
}

export interface Restore {
  readonly task: string
  readonly store: string
  readonly phase: string
  readonly restoredRecords: number
  readonly remainingRecords: number
  readonly durationMs: number
}

export interface Standby {
  readonly task: string
  readonly store: string
  readonly phase: string
  readonly remainingRecords: number
  readonly writtenRecords: number
}

export interface DeadLetter {
  /** Ascending. */
  readonly number: number
  readonly at: number
  readonly policy: string
  readonly stage: string
  readonly node: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly attempts: number
  readonly reason: string
  readonly key: string | null
  readonly value: string | null
  /** How many bytes key and value have, and how many of each are shown, at most. */
  readonly keyBytes: number
  readonly valueBytes: number
  readonly shownBytes: number
}

export interface Change {
  readonly at: number
  readonly what: string
  readonly detail: string
}

import type { AppDefinition, AppHealth, AppState, BatchingChange, ErrorData, PartitionLag, RuntimeEvent, StoreSize } from '@millrace/core'
import type { ScanPage, ScanRequest, LookUpRequest, RowsOfKeysRequest, Packed, PackedEntry, StoreRequest } from './packed-queries.ts'

/** What a definition says in plain data, and `start` may have been given otherwise than the module has it. */
export const PLAIN_OPTIONS = [
  'applicationId',
  'processingGuarantee',
  'transactionTimeoutMs',
  'state',
  'batch',
  'commit',
  'buffer',
  'concurrency',
  'stateCacheBytes',
  'revokeTimeoutMs',
  'maxTaskIdleMs',
  'repartitionPurgeIntervalMs',
  'replicationFactor',
] as const satisfies readonly (keyof AppDefinition)[]

/** What a thread begins with. */
export interface ThreadStart {
  /** From 1. */
  readonly number: number
  /** How many there are. */
  readonly count: number
  readonly options: Pick<AppDefinition, (typeof PLAIN_OPTIONS)[number]>
  /** The topology, described: what the thread loads must be the same. */
  readonly topology: string
  readonly transport: string
  /** Whether passes are followed. */
  readonly traced: boolean
  /** Of the process. */
  readonly slot: { readonly folder: string; readonly processId: string }
  /** Whether somebody wants to be told what happens. */
  readonly observed: boolean
}

/** What a thread can be asked. */
export type ThreadCalls = {
  /** Answered when its part of the application has ended. */
  readonly run: {
    readonly argument: { readonly address: string | undefined; readonly changes: readonly BatchingChange[] }
    readonly answer: void
  }
  readonly close: { readonly argument: undefined; readonly answer: void }
  readonly commit: { readonly argument: undefined; readonly answer: void }
  /** One step of waiting until all is processed. */
  readonly advance: { readonly argument: undefined; readonly answer: void }
  readonly persisted: { readonly argument: undefined; readonly answer: void }
  readonly isIdle: { readonly argument: undefined; readonly answer: boolean }
  readonly lag: { readonly argument: undefined; readonly answer: readonly PartitionLag[] }
  readonly stores: { readonly argument: undefined; readonly answer: readonly StoreSize[] }
  readonly lookUp: { readonly argument: LookUpRequest; readonly answer: readonly (Packed | undefined)[] }
  readonly size: { readonly argument: StoreRequest; readonly answer: number }
  readonly rowsOfKeys: { readonly argument: RowsOfKeysRequest; readonly answer: readonly (readonly PackedEntry[])[] }
  readonly scan: { readonly argument: ScanRequest; readonly answer: ScanPage }
  /** The next page of a scan; undefined: there is none. */
  readonly scanOn: { readonly argument: number; readonly answer: readonly PackedEntry[] | undefined }
}

/** What a thread asks the one that started it. */
export type MainCalls = {
  /** Answered when no other thread has the stores of this task. */
  readonly holdTask: { readonly argument: { readonly task: string; readonly ticket: number }; readonly answer: void }
}

/** An observer's event on its way: its errors are data. */
export interface PackedEvent {
  readonly event: RuntimeEvent
  readonly error: ErrorData | undefined
}

export type PackedHealth = Omit<AppHealth, 'error' | 'threads'>

/** What a thread tells. */
export type ThreadNews =
  | { readonly type: 'ready' }
  | { readonly type: 'not-started'; readonly error: ErrorData }
  | { readonly type: 'state'; readonly state: AppState }
  /** How it is; `here`: ids of the tasks that it has or gets, undefined while the group has not said. */
  | { readonly type: 'beat'; readonly health: PackedHealth; readonly here: readonly string[] | undefined }
  | { readonly type: 'events'; readonly events: readonly PackedEvent[] }
  | { readonly type: 'log'; readonly level: LogLevel; readonly fields: object; readonly errors: LoggedErrors; readonly message: string }
  /** It needs the stores no more, or does not wait for them any more. */
  | { readonly type: 'let-go'; readonly ticket: number }

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
/** By the name of the field. */
export type LoggedErrors = Readonly<Record<string, ErrorData>>

/** What a thread is told. */
export type MainNews =
  | { readonly type: 'batching'; readonly change: BatchingChange }
  /** Nobody reads a scan on. */
  | { readonly type: 'leave-scan'; readonly scan: number }

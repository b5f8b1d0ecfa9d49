import type { MetricDefinition, MetricKind } from './family.ts'

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const RECORDS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000]
const BYTES = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304]

const PARTITION = ['topic', 'partition'] as const
const NODE = ['stage', 'node', 'topic'] as const
const STORE = ['store', 'partition'] as const

interface More {
  readonly unit?: string
  readonly buckets?: readonly number[]
}

function metric(kind: MetricKind, name: string, labels: readonly string[], more: More & { readonly help: string }): MetricDefinition {
  const { help, unit = '1', buckets } = more
  const dotted = `millrace.${name.replace(/_(total|seconds|bytes_total|seconds_total)$/, '').replaceAll('_', '.')}`
  return { kind, name: `millrace_${name}`, dotted, help, unit, labels: ['application', ...labels], buckets }
}

const seconds = { unit: 's', buckets: SECONDS }

/** All metrics, by the name under which they are counted here. */
export const CATALOGUE = {
  records: metric('counter', 'records_total', NODE, { help: 'Records that went into a node.', unit: '{record}' }),
  bytes: metric('counter', 'bytes_total', NODE, { help: 'Serialised bytes read by a source or written by a sink.', unit: 'By' }),
  processing: metric('histogram', 'processing_seconds', ['stage', 'node'], { help: 'Time of a batch in a node.', ...seconds }),

  batches: metric('counter', 'batches_total', [...PARTITION, 'trigger'], { help: 'Batches cut, by what cut them.', unit: '{batch}' }),
  batchedRecords: metric('counter', 'batched_records_total', PARTITION, { help: 'Records in the batches cut.', unit: '{record}' }),
  batchRecords: metric('histogram', 'batch_records', ['topic'], { help: 'Records of a batch.', unit: '{record}', buckets: RECORDS }),
  batchBytes: metric('histogram', 'batch_bytes', ['topic'], { help: 'Serialised bytes of a batch.', unit: 'By', buckets: BYTES }),
  fill: metric('histogram', 'batch_fill_seconds', ['topic'], {
    help: 'From the arrival of its first record until a batch was cut.',
    ...seconds,
  }),
  batchLimit: metric('gauge', 'batch_limit_records', PARTITION, { help: 'Records that a batch may have now.', unit: '{record}' }),

  passes: metric('counter', 'passes_total', [...PARTITION, 'outcome'], { help: 'Passes, by how they ended.', unit: '{pass}' }),
  pass: metric('histogram', 'pass_seconds', ['topic'], {
    help: 'Time of a pass through all nodes, waits for retries left out.',
    ...seconds,
  }),
  waited: metric('counter', 'pass_wait_seconds_total', PARTITION, { help: 'Time that passes waited for retries and circuits.', unit: 's' }),
  inFlight: metric('gauge', 'in_flight_batches', PARTITION, { help: 'Batches that are being processed.', unit: '{batch}' }),
  lastPass: metric('gauge', 'last_pass_timestamp_seconds', PARTITION, { help: 'When a pass last ended, since 1970.', unit: 's' }),

  failed: metric('counter', 'records_failed_total', NODE, { help: 'Records given up: skipped, or made dead letters.', unit: '{record}' }),
  skipped: metric('counter', 'records_skipped_total', NODE, { help: 'Records given up and skipped.', unit: '{record}' }),
  deadLettered: metric('counter', 'records_dead_lettered_total', NODE, { help: 'Records that became dead letters.', unit: '{record}' }),
  retries: metric('counter', 'retries_total', PARTITION, { help: 'Times a batch was tried again.', unit: '{retry}' }),
  retried: metric('counter', 'records_retried_total', PARTITION, { help: 'Records that were tried again.', unit: '{record}' }),
  circuit: metric('gauge', 'circuit_state', ['node', 'task'], { help: 'Of a circuit breaker: 0 closed, 1 half-open, 2 open.' }),
  sinkCircuit: metric('gauge', 'sink_circuit_state', ['node', 'table'], {
    help: 'Of a circuit breaker of a sink outside of the log, of one table: 0 closed, 1 half-open, 2 open.',
  }),

  commits: metric('counter', 'commits_total', ['reason'], { help: 'Commits confirmed, by why they were made.', unit: '{commit}' }),
  commit: metric('histogram', 'commit_seconds', [], { help: 'Time until a commit was confirmed and local state written.', ...seconds }),
  flush: metric('histogram', 'flush_seconds', [], { help: 'Time a commit waited for what was written to be acknowledged.', ...seconds }),
  committed: metric('counter', 'committed_records_total', [], { help: 'Records whose offsets were committed.', unit: '{record}' }),
  changelog: metric('counter', 'changelog_records_total', [], { help: 'Records written to changelogs.', unit: '{record}' }),
  aborts: metric('counter', 'aborts_total', [], { help: 'Writers given up with what was not committed.', unit: '{abort}' }),
  recoveries: metric('counter', 'recoveries_total', ['stage'], { help: 'Times tasks were made anew after a failure.', unit: '{recovery}' }),

  rebalances: metric('counter', 'rebalances_total', [], { help: 'Times the application began to rebalance.', unit: '{rebalance}' }),
  assignments: metric('counter', 'assignments_total', ['change'], { help: 'Tasks assigned, revoked, or lost.', unit: '{task}' }),
  tasks: metric('gauge', 'tasks', ['state'], { help: 'Tasks of this process, by state.', unit: '{task}' }),
  state: metric('gauge', 'state', ['state'], { help: 'Of the application: 1 for the state it is in.' }),
  threads: metric('gauge', 'threads', ['state'], { help: 'Worker threads of the application, by state.', unit: '{thread}' }),
  threadDeaths: metric('counter', 'thread_deaths_total', [], { help: 'Worker threads that died.', unit: '{thread}' }),
  threadBusy: metric('gauge', 'thread_utilization', ['thread'], {
    help: 'Of a worker thread, from 1: the share of the last seconds in which it was busy, from 0 to 1.',
  }),
  ready: metric('gauge', 'ready', [], { help: '1 if the application is ready, as /health/ready says.' }),

  queue: metric('gauge', 'queue_records', PARTITION, { help: 'Records read that wait to be processed.', unit: '{record}' }),
  lag: metric('gauge', 'lag_records', PARTITION, {
    help: 'Offsets between what is processed and the end of the partition.',
    unit: '{record}',
  }),
  lagAsked: metric('gauge', 'lag_timestamp_seconds', [], { help: 'When lag was last looked up, since 1970.', unit: 's' }),

  entries: metric('gauge', 'store_entries', STORE, { help: 'Committed entries of a store, roughly.', unit: '{entry}' }),
  uncommitted: metric('gauge', 'store_uncommitted_bytes', STORE, { help: 'Memory of changes that wait for a commit.', unit: 'By' }),
  restoring: metric('gauge', 'restore_remaining_records', STORE, { help: 'Changelog records to be read yet, at most.', unit: '{record}' }),
  restored: metric('counter', 'restored_records_total', STORE, { help: 'Records read back from changelogs.', unit: '{record}' }),
  standby: metric('gauge', 'standby_remaining_records', STORE, {
    help: 'Changelog records that a standby misses, at most.',
    unit: '{record}',
  }),

  loopMean: metric('gauge', 'event_loop_delay_mean_seconds', [], { help: 'Delay of the event loop, mean of the last minute.', unit: 's' }),
  loopP99: metric('gauge', 'event_loop_delay_p99_seconds', [], {
    help: 'Delay of the event loop, 99th percentile of the last minute.',
    unit: 's',
  }),
  loopMax: metric('gauge', 'event_loop_delay_max_seconds', [], {
    help: 'Delay of the event loop, longest of the last minute.',
    unit: 's',
  }),
} as const satisfies Readonly<Record<string, MetricDefinition>>

export type MetricName = keyof typeof CATALOGUE

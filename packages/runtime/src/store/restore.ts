import {
  bytesAt,
  MillraceError,
  type RecordSource,
  type StoreChange,
  type Transport,
  type TransportContext,
  type WireBatch,
  partitionKey,
} from '@millrace/core'
import type { TaskEnvironment } from '../task/task-environment.ts'
import type { ChangeloggedStore, TaskStores } from './task-stores.ts'

/** Most waiting for records of a changelog before its end is asked for again. */
const POLL_MS = 500
/** Progress is told at most this often. */
const PROGRESS_MS = 5_000

interface Restoring {
  readonly task: string
  readonly stores: TaskStores
  readonly entry: ChangeloggedStore
  readonly from: number
  readonly end: number
  next: number
  restored: number
}

export interface RestoreOptions {
  readonly tasks: readonly { readonly id: string; readonly stores: TaskStores }[]
  readonly environment: TaskEnvironment
  readonly transport: Transport
  readonly context: TransportContext
  /** Stops the restore: it rejects. */
  readonly signal: AbortSignal
}

/**
 * Brings the stores of some tasks up to the end their changelogs have now, all at once through one reader: in batches, last value a key, puts
 * and deletes in order. What is already on disk is not read again. Rejects if it is interrupted; what was applied by then stays usable.
 */
export async function restoreStores(options: RestoreOptions): Promise<void> {
  const jobs = await plan(options)
  if (jobs.length === 0) return
  const { environment, transport, context, signal } = options
  const clientId = `${environment.definition.applicationId}-restore`
  const isolation = environment.definition.processingGuarantee === 'exactly-once' ? 'read-committed' : 'read-uncommitted'
  const source = await transport.openSource({ clientId, isolation }, context)
  try {
    for (const job of jobs) tell(environment, job, 'started')
    await source.assign(jobs.map(({ entry, from }) => ({ topic: entry.topic, partition: entry.partition, offset: from })))
    await replay(source, jobs, environment, signal)
  } finally {
    await source.close()
  }
}

/** Which changelog partitions hold something that their store has not got. */
async function plan({ tasks, environment }: RestoreOptions): Promise<Restoring[]> {
  const all = tasks.flatMap(({ id, stores }) => stores.all.map((entry) => ({ task: id, stores, entry })))
  if (all.length === 0) return []
  const partitions = all.map(({ entry }) => ({ topic: entry.topic, partition: entry.partition }))
  const { admin } = environment
  const [begins, ends] = await Promise.all([admin.beginningOffsets(partitions), admin.endOffsets(partitions, 'read-uncommitted')])
  const offsetIn = (list: typeof begins, { topic, partition }: ChangeloggedStore) =>
    list.find((known) => known.topic === topic && known.partition === partition)?.offset ?? 0
  const jobs: Restoring[] = []
  for (const { task, stores, entry } of all) {
    const end = offsetIn(ends, entry)
    if (entry.position !== undefined && entry.position > end) {
      throw new MillraceError(
        'STORE_AHEAD',
        `The local state of store '${entry.definition.name}' in task ${task} goes up to offset ${entry.position} of ${entry.topic}-${entry.partition}, ` +
          `which ends at ${end}: the topic was deleted and created anew, or it is another cluster's. Move the state folder away if the topic is right.`,
        { stage: 'store', task, topic: entry.topic, partition: entry.partition, offset: entry.position },
      )
    }
    const from = Math.max(entry.position ?? 0, offsetIn(begins, entry))
    if (from < end) jobs.push({ task, stores, entry, from, end, next: from, restored: 0 })
    else entry.position = end
  }
  return jobs
}

async function replay(source: RecordSource, jobs: readonly Restoring[], environment: TaskEnvironment, signal: AbortSignal): Promise<void> {
  const open = new Map(jobs.map((job) => [partitionKey(job.entry.topic, job.entry.partition), job]))
  let told = environment.clock.monotonic()
  while (open.size > 0) {
    signal.throwIfAborted()
    const { batches, ends } = await source.poll(POLL_MS)
    for (const wire of batches) {
      const job = open.get(partitionKey(wire.topic, wire.partition))
      if (job !== undefined) await apply(job, wire)
      wire.release()
    }
    for (const { topic, partition, offset } of ends) {
      const job = open.get(partitionKey(topic, partition))
      if (job !== undefined && offset > job.next) job.next = offset
    }
    for (const [key, job] of open) {
      if (job.next < job.end) continue
      open.delete(key)
      job.entry.position = job.end
      await job.entry.store.restore([], job.stores.metadata(job.entry))
      tell(environment, job, 'completed')
      environment.logger.info({ task: job.task, store: job.entry.definition.name, records: job.restored }, 'state restored')
    }
    if (environment.clock.monotonic() - told >= PROGRESS_MS) {
      told = environment.clock.monotonic()
      for (const job of open.values()) {
        tell(environment, job, 'progress')
        environment.logger.info(
          { task: job.task, store: job.entry.definition.name, records: job.restored, remaining: job.end - job.next },
          'restoring state',
        )
      }
    }
  }
}

async function apply(job: Restoring, wire: WireBatch): Promise<void> {
  const last = new Map<string, StoreChange>()
  for (let i = 0; i < wire.length; i++) {
    const key = bytesAt(wire.keys, i)
    if (key === null) continue
    last.set(Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1'), {
      key,
      value: bytesAt(wire.values, i) ?? undefined,
    })
  }
  job.next = (wire.offsets[wire.length - 1] as number) + 1
  job.restored += wire.length
  job.entry.position = job.next
  await job.entry.store.restore([...last.values()], job.stores.metadata(job.entry))
}

function tell(environment: TaskEnvironment, job: Restoring, phase: 'started' | 'progress' | 'completed'): void {
  environment.emit?.({
    type: 'restore',
    stage: 'store',
    task: job.task,
    store: job.entry.definition.name,
    phase,
    restoredRecords: job.restored,
    remainingRecords: phase === 'completed' ? 0 : job.end - job.next,
  })
}

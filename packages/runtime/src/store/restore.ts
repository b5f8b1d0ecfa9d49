import { MillraceError, partitionKey, type PollResult, type RecordSource, type Transport, type TransportContext } from '@millrace/core'
import { Wakeup } from '../internal/wakeup.ts'
import type { TaskEnvironment } from '../task/task-environment.ts'
import { checkNotTruncated } from './changelog-end.ts'
import { RestoreJob, type RestoreRange } from './restore-job.ts'
import { planRestore, type RestoringTask } from './restore-plan.ts'
import { RestoreReport } from './restore-report.ts'

/** How long one poll waits for records of changelogs: so late at most is an interruption noticed. */
const POLL_MS = 100
/** Before polling again after an error that may pass. */
const RETRY_MS = 500
/** Records of one poll: few enough to be garbage before they are moved among what lives long, which costs time, and much memory. */
const MAX_POLL_RECORDS = 2_000
/** What may be read and not yet written, over all stores: more is not read. */
const MAX_WAITING_RECORDS = 8_000
const MAX_WAITING_BYTES = 16_777_216

export interface RestoreOptions {
  readonly tasks: readonly RestoringTask[]
  readonly environment: TaskEnvironment
  readonly transport: Transport
  readonly context: TransportContext
  /** Stops the restore: it rejects. */
  readonly signal: AbortSignal
  /** Called with tasks as soon as all of their stores are complete, while those of others are still read. */
  readonly onRestored: (tasks: readonly string[]) => void
}

/**
 * Brings the stores of some tasks up to the end their changelogs have now, through one reader: in batches, last value a key, puts and deletes in
 * order. What is already on disk is not read again. Rejects if it is interrupted or fails, when nothing is written any more; what was applied
 * by then stays usable.
 */
export async function restoreStores(options: RestoreOptions): Promise<void> {
  const { tasks, environment, signal, onRestored } = options
  const written = new Wakeup()
  const report = new RestoreReport(environment)
  const ranges = await planned(tasks, environment, report)
  const jobs = ranges.map((range) => new RestoreJob(range, () => written.notify()))
  onRestored(tasks.flatMap(({ id }) => (jobs.some(({ task }) => task === id) ? [] : id)))
  if (jobs.length === 0) return
  signal.throwIfAborted()
  const source = await openSource(options).catch((error: unknown) => {
    for (const job of jobs) report.failed(job, error)
    throw error
  })
  for (const job of jobs) report.started(job)
  const open = new Map(jobs.map((job) => [partitionKey(job.entry.topic, job.entry.partition), job]))
  try {
    await source.assign(jobs.map(({ entry, from }) => ({ topic: entry.topic, partition: entry.partition, offset: from })))
    while (open.size > 0) {
      signal.throwIfAborted()
      if (shouldRead([...open.values()])) await checkNotTruncated(distribute(await poll(source, environment), open), environment.admin)
      else await written.wait()
      const completed = settled(open)
      for (const job of completed) report.completed(job)
      const restored = new Set(completed.map(({ task }) => task))
      for (const { task } of open.values()) restored.delete(task)
      if (restored.size > 0) onRestored([...restored])
      report.progress(open.values())
    }
  } catch (error) {
    await Promise.all(jobs.map((job) => job.stop()))
    const interrupted = signal.aborted || jobs.some(({ failure }) => failure !== undefined)
    for (const job of open.values()) {
      if (interrupted && job.failure === undefined) report.interrupted(job)
      else report.failed(job, error)
    }
    throw error
  } finally {
    await source.close()
  }
}

async function planned(tasks: readonly RestoringTask[], environment: TaskEnvironment, report: RestoreReport): Promise<RestoreRange[]> {
  try {
    return await planRestore(tasks, environment)
  } catch (error) {
    for (const { id, stores } of tasks) {
      for (const entry of stores.restorable) {
        const position = entry.position ?? 0
        report.failed({ task: id, entry, from: position, to: position, position, records: 0 }, error)
      }
    }
    throw error
  }
}

function openSource({ environment: { definition }, transport, context }: RestoreOptions): Promise<RecordSource> {
  const clientId = `${definition.applicationId}-restore`
  const isolation = definition.processingGuarantee === 'exactly-once' ? 'read-committed' : 'read-uncommitted'
  return transport.openSource({ clientId, isolation, maxPollRecords: MAX_POLL_RECORDS }, context)
}

/** Whether something is missing, and there is room for it. */
function shouldRead(jobs: readonly RestoreJob[]): boolean {
  let records = 0
  let bytes = 0
  for (const job of jobs) {
    records += job.waitingRecords
    bytes += job.waitingBytes
  }
  return records < MAX_WAITING_RECORDS && bytes < MAX_WAITING_BYTES && !jobs.every((job) => job.allRead)
}

async function poll(source: RecordSource, { clock, logger }: TaskEnvironment): Promise<PollResult> {
  try {
    return await source.poll(POLL_MS)
  } catch (error) {
    if (!(error instanceof MillraceError && error.retryable)) throw error
    logger.warn({ err: error }, 'reading a changelog failed and is tried again')
    await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve))
    return { batches: [], ends: [] }
  }
}

/** What was read is written while more is read. Returns the jobs whose changelog was read to an end before theirs. */
function distribute({ batches, ends }: PollResult, open: ReadonlyMap<string, RestoreJob>): RestoreJob[] {
  const short: RestoreJob[] = []
  for (const wire of batches) {
    const job = open.get(partitionKey(wire.topic, wire.partition))
    if (job === undefined) wire.release()
    else job.offer(wire)
  }
  for (const { topic, partition, offset } of ends) {
    const job = open.get(partitionKey(topic, partition))
    job?.offerEnd(offset)
    if (job !== undefined && offset < job.to) short.push(job)
  }
  return short
}

/** Takes those out that are complete; throws if one has failed. */
function settled(open: Map<string, RestoreJob>): RestoreJob[] {
  const completed: RestoreJob[] = []
  for (const [key, job] of open) {
    if (job.failure !== undefined) throw job.failure.error
    if (!job.completed) continue
    open.delete(key)
    completed.push(job)
  }
  return completed
}

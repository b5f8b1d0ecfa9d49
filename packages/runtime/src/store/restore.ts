import { MillraceError, partitionKey, type PollResult, type RecordSource } from '@millrace/core'
import { asLongAsWanted } from '../internal/as-long-as-wanted.ts'
import { Wakeup } from '../internal/wakeup.ts'
import type { TaskEnvironment } from '../task/task-environment.ts'
import { checkNotTruncated } from './changelog-end.ts'
import { type ChangelogReading, distribute, hasRoom, openChangelogSource } from './changelog-source.ts'
import { RestoreJob, type RestoreRange } from './restore-job.ts'
import { planRestore, type RestoringTask } from './restore-plan.ts'
import { RestoreReport } from './restore-report.ts'

/** How long one poll waits for records of changelogs: so late at most is an interruption noticed. */
const POLL_MS = 100
/** Before polling again after an error that may pass. */
const RETRY_MS = 500
export interface RestoreOptions extends ChangelogReading {
  readonly tasks: readonly RestoringTask[]
  readonly environment: TaskEnvironment
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
  const ranges = await planned(options, report)
  const jobs = ranges.map((range) => new RestoreJob(range, () => written.notify()))
  onRestored(tasks.flatMap(({ id }) => (jobs.some(({ task }) => task === id) ? [] : id)))
  if (jobs.length === 0) return
  signal.throwIfAborted()
  const opening = openChangelogSource(options, environment.definition, 'restore')
  const source = await asLongAsWanted(opening, signal).catch((error: unknown) => {
    // It may open yet, when nobody wants it any more.
    opening.then((late) => late.close()).catch(() => undefined)
    if (!signal.aborted) for (const job of jobs) report.failed(job, error)
    throw error
  })
  for (const job of jobs) report.started(job)
  const open = new Map(jobs.map((job) => [partitionKey(job.entry.topic, job.entry.partition), job]))
  try {
    const starts = jobs.map(({ entry, from }) => ({ topic: entry.topic, partition: entry.partition, offset: from }))
    await asLongAsWanted(source.assign(starts), signal)
    while (open.size > 0) {
      signal.throwIfAborted()
      if (shouldRead([...open.values()])) {
        const ended = distribute(await poll(source, environment), open)
        await asLongAsWanted(checkNotTruncated(ended, environment.admin), signal)
      } else await written.wait()
      const completed = settled(open)
      for (const job of completed) report.completed(job)
      const restored = new Set(completed.map(({ task }) => task))
      for (const { task } of open.values()) restored.delete(task)
      if (restored.size > 0) onRestored([...restored])
      report.progress(open.values())
    }
  } catch (caught) {
    const error = cutMeanwhile(caught)
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

/** Changelogs of windows lose their oldest records now and then: a restore that is planned anew does without them. */
function cutMeanwhile(error: unknown): unknown {
  if (!(error instanceof MillraceError && error.code === 'OFFSET_OUT_OF_RANGE')) return error
  const { stage, topic, partition, offset } = error
  const message = `Changelog ${topic}-${partition} has lost what was to be read next while it was read: it is restored from what is there now.`
  return new MillraceError('CHANGELOG_CUT', message, { stage, topic, partition, offset, retryable: true, cause: error })
}

async function planned({ tasks, environment, signal }: RestoreOptions, report: RestoreReport): Promise<RestoreRange[]> {
  try {
    return await planRestore(tasks, environment, signal)
  } catch (error) {
    if (signal.aborted) throw error
    for (const { id, stores } of tasks) {
      for (const entry of stores.restorable) {
        const position = entry.position ?? 0
        report.failed({ task: id, entry, from: position, to: position, position, records: 0 }, error)
      }
    }
    throw error
  }
}

/** Whether something is missing, and there is room for it. */
function shouldRead(jobs: readonly RestoreJob[]): boolean {
  return hasRoom(jobs) && !jobs.every((job) => job.allRead)
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

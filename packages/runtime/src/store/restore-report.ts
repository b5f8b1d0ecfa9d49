import type { RestoreEvent } from '@millrace/core'
import type { TaskEnvironment } from '../task/task-environment.ts'
import type { RestoreJob } from './restore-job.ts'

/** Progress is told at most so often: to the observer, and in the log. */
const EVENT_MS = 1_000
const LOG_MS = 10_000

/** How far the restore of one store has come. */
export type RestoreProgress = Pick<RestoreJob, 'task' | 'entry' | 'from' | 'to' | 'records' | 'position'>

/** Tells the observer and the log how restoring goes. */
export class RestoreReport {
  readonly #environment: TaskEnvironment
  readonly #began: number
  #told: number
  #logged: number

  constructor(environment: TaskEnvironment) {
    this.#environment = environment
    this.#began = environment.clock.monotonic()
    this.#told = this.#began
    this.#logged = this.#began
  }

  started(job: RestoreJob): void {
    this.#tell(job, 'started')
    this.#environment.logger.info({ ...fields(job), changelog: `${job.entry.topic}-${job.entry.partition}` }, 'restoring state begins')
  }

  /** Call it as often as you like. */
  progress(jobs: Iterable<RestoreJob>): void {
    const now = this.#environment.clock.monotonic()
    if (now - this.#told < EVENT_MS) return
    this.#told = now
    const log = now - this.#logged >= LOG_MS
    if (log) this.#logged = now
    for (const job of jobs) {
      this.#tell(job, 'progress')
      if (log) this.#environment.logger.info(fields(job), 'restoring state')
    }
  }

  completed(job: RestoreJob): void {
    this.#tell(job, 'completed')
    this.#environment.logger.info({ ...fields(job), durationMs: this.#durationMs }, 'state restored')
  }

  interrupted(job: RestoreJob): void {
    this.#tell(job, 'interrupted')
    this.#environment.logger.info(fields(job), 'restoring state was interrupted: it will go on from here')
  }

  failed(job: RestoreProgress, error: unknown): void {
    this.#tell(job, 'failed', error)
    this.#environment.logger.error({ ...fields(job), err: error }, 'state could not be restored')
  }

  get #durationMs(): number {
    return this.#environment.clock.monotonic() - this.#began
  }

  #tell(job: RestoreProgress, phase: RestoreEvent['phase'], error?: unknown): void {
    const { entry, task, from, to, records, position } = job
    this.#environment.emit?.({
      type: 'restore',
      stage: 'store',
      task,
      store: entry.definition.name,
      topic: entry.topic,
      partition: entry.partition,
      phase,
      from,
      to,
      restoredRecords: records,
      remainingRecords: Math.max(0, to - position),
      durationMs: this.#durationMs,
      ...(error === undefined ? {} : { error }),
    })
  }
}

/** In offsets: of a compacted changelog they are more than there are records. */
function fields({ task, entry, from, to, position }: RestoreProgress): object {
  return { task, store: entry.definition.name, done: Math.min(position, to) - from, total: to - from }
}

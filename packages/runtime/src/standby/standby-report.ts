import type { StandbyEvent } from '@millrace/core'
import type { ChangeloggedStore } from '../store/changelogged-store.ts'
import type { TaskEnvironment } from '../task/task-environment.ts'
import type { FollowedStore } from './followed-store.ts'

/** Tells the observer and the log how the stores of one standby are. */
export class StandbyReport {
  readonly #environment: TaskEnvironment
  readonly #task: string

  constructor(environment: TaskEnvironment, task: string) {
    this.#environment = environment
    this.#task = task
  }

  started(store: FollowedStore): void {
    this.#tell(store, 'started')
    this.#environment.logger.info(this.#fields(store), 'following the changelog of a task that is elsewhere begins')
  }

  caughtUp(store: FollowedStore): void {
    this.#tell(store, 'caught-up')
    this.#environment.logger.info(this.#fields(store), 'state of a task that is elsewhere is up to date here')
  }

  progress(store: FollowedStore): void {
    this.#tell(store, 'progress')
  }

  ended(store: FollowedStore, phase: 'handed-over' | 'stopped'): void {
    this.#tell(store, phase)
    const what = phase === 'handed-over' ? 'is handed over: the task is here now' : 'is followed no longer'
    this.#environment.logger.info(this.#fields(store), `state that followed a task elsewhere ${what}`)
  }

  /** One of the stores could not be opened or written to; all of the task are opened again after `retryMs`. */
  failed(stores: readonly FollowedStore[], error: unknown, retryMs: number): void {
    for (const store of stores) this.#tell(store, 'failed', error)
    this.#environment.logger.error(
      { task: this.#task, err: error, retryMs },
      'state of a task that is elsewhere can not be kept up to date here; it is tried again',
    )
  }

  /** `followed`: what has followed the changelog until now. */
  missing({ definition, topic, partition }: ChangeloggedStore, followed: FollowedStore | undefined): void {
    if (followed !== undefined) this.#tell(followed, 'failed')
    this.#environment.logger.error(
      { task: this.#task, store: definition.name, changelog: `${topic}-${partition}` },
      'the changelog of a task that is elsewhere does not exist: it is not followed before it does',
    )
  }

  #tell({ job, end }: FollowedStore, phase: StandbyEvent['phase'], error?: unknown): void {
    const { entry, task, records, position } = job
    this.#environment.emit?.({
      type: 'standby',
      stage: 'store',
      task,
      store: entry.definition.name,
      topic: entry.topic,
      partition: entry.partition,
      phase,
      position,
      end,
      remainingRecords: Math.max(0, end - position),
      writtenRecords: records,
      ...(error === undefined ? {} : { error }),
    })
  }

  #fields({ job, end }: FollowedStore): object {
    const { entry, task, position } = job
    return { task, store: entry.definition.name, changelog: `${entry.topic}-${entry.partition}`, position, end }
  }
}

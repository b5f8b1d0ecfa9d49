import { Exclusive } from '../internal/exclusive.ts'
import type { RestoreJob } from '../store/restore-job.ts'
import { type ChangelogState, prepareStore, whyUnusable } from '../store/restore-plan.ts'
import type { ChangeloggedStore } from '../store/changelogged-store.ts'
import { TaskStores } from '../store/task-stores.ts'
import type { TaskEnvironment } from '../task/task-environment.ts'
import { FollowedStore } from './followed-store.ts'
import { StandbyReport } from './standby-report.ts'
import type { StatefulTask } from './stateful-tasks.ts'

/** After a failure the stores are opened again: first after so long, then after twice as long each time. */
const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 60_000

export interface StandbyTaskOptions {
  readonly task: StatefulTask
  readonly environment: TaskEnvironment
  /** Something was written, or could not be. */
  readonly onWritten: () => void
}

/**
 * The stores of one task that is elsewhere: opened, brought up to date for as long as it is, then handed over or closed. What is done with them is
 * done one after the other, and nothing more once they are asked for. Whatever fails, they are closed and opened again later.
 */
export class StandbyTask {
  readonly #options: StandbyTaskOptions
  readonly #report: StandbyReport
  readonly #exclusive = new Exclusive()
  /** Undefined while they are not open. */
  #stores: TaskStores | undefined
  readonly #followed = new Map<ChangeloggedStore, FollowedStore>()
  /** Stores whose changelog does not exist. */
  readonly #missing = new Set<ChangeloggedStore>()
  /** When they may be opened, by the monotonic clock. */
  #openAt = -Infinity
  #failures = 0
  #gone = false

  constructor(options: StandbyTaskOptions) {
    this.#options = options
    this.#report = new StandbyReport(options.environment, options.task.id)
  }

  /** The stores that are open. */
  get stores(): readonly ChangeloggedStore[] {
    return this.#stores?.all ?? []
  }

  /** What is read at present. */
  get jobs(): RestoreJob[] {
    return Array.from(this.#followed.values(), ({ job }) => job)
  }

  /** Whether all its stores are there, but for what was written in the last moments. */
  get isCaughtUp(): boolean {
    return this.#stores !== undefined && this.stores.every((entry) => this.#followed.get(entry)?.caughtUp === true)
  }

  /** Whether there are stores whose changelogs are to be looked at. */
  get isFresh(): boolean {
    return this.stores.some((entry) => !this.#followed.has(entry) && !this.#missing.has(entry))
  }

  /** When the stores may be opened, by the monotonic clock; undefined if they are open. */
  get openAt(): number | undefined {
    return this.#stores === undefined ? this.#openAt : undefined
  }

  /** Opens the stores. Never rejects: if it fails it is to be done again at `openAt`. */
  open(): Promise<void> {
    return this.#work(async () => {
      const { environment, task } = this.#options
      const stores = new TaskStores(environment, task.id, task.partition, task.stores)
      try {
        await stores.openStandby()
      } catch (error) {
        await stores.close()
        throw error
      }
      this.#stores = stores
    })
  }

  /**
   * Takes note of how the changelogs are, undefined where there is none: follows those that it did not, and begins anew what they can't bring up to
   * date. Nothing may have been read since they were looked at. Never rejects.
   */
  look(states: ReadonlyMap<ChangeloggedStore, ChangelogState | undefined>): Promise<void> {
    return this.#work(async () => {
      for (const entry of this.stores) if (states.has(entry)) await this.#lookAt(entry, states.get(entry))
    })
  }

  /** Takes note of what was written since. Never rejects. */
  async settle(): Promise<void> {
    for (const store of this.#followed.values()) {
      const { failure } = store.job
      if (failure !== undefined) return this.#exclusive.run(async () => (this.#gone ? undefined : this.#giveUp(failure.error)))
      if (!store.settle()) continue
      this.#failures = 0
      this.#report.caughtUp(store)
    }
  }

  /** Ends following, and gives the stores, still open, to whom they are handed; undefined if they are not usable. Never rejects. */
  handOver(): Promise<TaskStores | undefined> {
    this.#gone = true
    return this.#exclusive.run(async () => {
      const stores = this.#stores
      const isWell = await this.#end('handed-over')
      this.#stores = undefined
      if (isWell) return stores
      // Opening them finds out what is wrong with them.
      await stores?.close()
      return undefined
    })
  }

  /** Ends following, notes how far it has come, and closes the stores. Never rejects. */
  close(): Promise<void> {
    this.#gone = true
    return this.#exclusive.run(async () => {
      const { logger } = this.#options.environment
      const isWell = await this.#end('stopped')
      // A failure only makes the next restore longer.
      if (isWell) await this.#stores?.notePositions().catch((error: unknown) => logger.debug({ err: error }, 'positions were not noted'))
      await this.#stores?.close()
      this.#stores = undefined
    })
  }

  /** One thing at a time, and none once the stores are asked for. Never rejects. */
  #work(work: () => Promise<void>): Promise<void> {
    return this.#exclusive.run(async () => {
      if (this.#gone) return
      try {
        await work()
      } catch (error) {
        await this.#giveUp(error)
      }
    })
  }

  async #lookAt(entry: ChangeloggedStore, state: ChangelogState | undefined): Promise<void> {
    const { task, onWritten } = this.#options
    const stores = this.#stores as TaskStores
    const followed = this.#followed.get(entry)
    if (state === undefined) {
      this.#followed.delete(entry)
      await followed?.job.stop()
      if (!this.#missing.has(entry)) this.#report.missing(entry, followed)
      this.#missing.add(entry)
      return
    }
    this.#missing.delete(entry)
    // What was to be read first may be gone before anything was read.
    const isBehind = followed !== undefined && entry.position === undefined && followed.job.next < state.begin
    if (followed === undefined || isBehind || whyUnusable(entry, state) !== undefined) {
      await followed?.job.stop()
      const from = await prepareStore(stores, entry, state)
      const store = new FollowedStore({ task: task.id, stores, entry, from }, state, onWritten)
      this.#followed.set(entry, store)
      this.#report.started(store)
      return
    }
    followed.see(state)
    this.#report.progress(followed)
    if (followed.takeNote()) await stores.notePositions()
  }

  /** Nothing is written any more once it resolves, to what was followed. */
  async #stopJobs(): Promise<readonly FollowedStore[]> {
    const followed = [...this.#followed.values()]
    await Promise.all(followed.map(({ job }) => job.stop()))
    this.#followed.clear()
    return followed
  }

  /** Returns whether all is well that was followed. */
  async #end(phase: 'handed-over' | 'stopped'): Promise<boolean> {
    const followed = await this.#stopJobs()
    for (const store of followed) {
      store.settle()
      this.#report.ended(store, phase)
    }
    return followed.every(({ job }) => job.failure === undefined)
  }

  async #giveUp(error: unknown): Promise<void> {
    const { clock } = this.#options.environment
    const followed = await this.#stopJobs()
    this.#missing.clear()
    await this.#stores?.close()
    const retryMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++)
    this.#openAt = clock.monotonic() + retryMs
    this.#stores = undefined
    this.#report.failed(followed, error, retryMs)
  }
}

import { partitionKey, type RecordSource, unlessAborted } from '@millrace/core'
import type { TopicPlan } from '../app/topic-plan.ts'
import { Wakeup } from '../internal/wakeup.ts'
import { type ChangelogReading, distribute, hasRoom, openChangelogSource } from '../store/changelog-source.ts'
import type { RestoreJob } from '../store/restore-job.ts'
import type { TaskStores } from '../store/task-stores.ts'
import type { TaskEnvironment } from '../task/task-environment.ts'
import { lookAtExisting } from './existing-changelogs.ts'
import { StandbyTask } from './standby-task.ts'
import { type StatefulTask, statefulTasks } from './stateful-tasks.ts'

/** How long one poll waits for records: so late at most is something new begun. */
const POLL_MS = 250
/** How often changelogs are looked at: whether they are still the same, and where they end. */
const LOOK_MS = 30_000
/** After an error changelogs are read again: first after so long, then after twice as long each time. */
const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 30_000

export interface StandbysOptions extends ChangelogReading {
  readonly environment: TaskEnvironment
  readonly plan: TopicPlan
  /** Whether others say which tasks are followed here: {@link Standbys.place}. Else all are. */
  readonly arePlaced: boolean
  /** Whether nothing is read for now: tasks of this process come first while they are started. Call `wake` when that has changed. */
  readonly hasToWait: () => boolean
}

/**
 * Follows the changelogs of tasks that are elsewhere, through one reader, into local stores: endlessly, and in the same way as a restore does. A task that
 * comes to this process takes its stores from here. Whatever fails is tried again after a wait, and is never told to the application's own tasks.
 */
export class Standbys {
  readonly #options: StandbysOptions
  readonly #planned: readonly StatefulTask[]
  readonly #tasks = new Map<string, StandbyTask>()
  /** What is followed no longer, until its stores are closed. */
  readonly #closing = new Map<string, Promise<void>>()
  /** Which tasks are to be followed; undefined: all. */
  #placed: ReadonlySet<string> | undefined
  readonly #wakeup = new Wakeup()
  readonly #stop = new AbortController()
  #loop: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #source: RecordSource | undefined
  /** What the source reads. */
  #assigned: ReadonlyMap<string, RestoreJob> = new Map()
  #opening: Promise<void> | undefined
  /** When changelogs are looked at again, by the monotonic clock. */
  #lookAt = -Infinity
  #troubles = 0

  constructor(options: StandbysOptions) {
    this.#options = options
    this.#planned = statefulTasks(options.plan)
    this.#placed = options.arePlaced ? new Set() : undefined
  }

  /** Ids of the tasks that could be taken over at once. */
  get caughtUp(): readonly string[] {
    return [...this.#tasks].filter(([, task]) => task.isCaughtUp).map(([id]) => id)
  }

  /** Ids of the tasks that are followed while they are elsewhere. */
  get wanted(): string[] {
    return this.#planned.map(({ id }) => id).filter((id) => this.#placed?.has(id) ?? true)
  }

  /** Which tasks are to be followed, if they are elsewhere, from the next {@link followAllBut} on; undefined: all. */
  place(ids: ReadonlySet<string> | undefined): void {
    this.#placed = ids
  }

  /**
   * Begins to follow all tasks that it is to follow but those that are `here`: their stores are closed by now, if they were here before. What is followed already goes on, or ends if
   * it is not to be followed any more.
   */
  followAllBut(here: ReadonlySet<string>): void {
    if (this.#stop.signal.aborted) return
    const { environment } = this.#options
    const wanted = new Set(this.wanted.filter((id) => !here.has(id)))
    for (const id of [...this.#tasks.keys()]) if (!wanted.has(id) && !here.has(id)) this.#drop(id)
    const elsewhere = this.#planned.filter(({ id }) => wanted.has(id) && !this.#tasks.has(id))
    for (const task of elsewhere) this.#tasks.set(task.id, new StandbyTask({ task, environment, onWritten: () => this.wake() }))
    if (elsewhere.length === 0) return
    this.#loop ??= this.#run()
    this.wake()
  }

  /**
   * Ends following a task that comes to this process: resolves, when nothing is written any more, to its stores with what they hold; to undefined if
   * there are none that are usable. Never rejects.
   */
  async take(id: string): Promise<TaskStores | undefined> {
    const task = this.#tasks.get(id)
    this.#tasks.delete(id)
    await this.#closing.get(id)
    return task?.handOver()
  }

  /** What they wait for may have changed. */
  wake(): void {
    this.#wakeup.notify()
  }

  /** Ends all following; resolves when all stores are closed. Never rejects. */
  stop(): Promise<void> {
    this.#stopping ??= this.#close()
    return this.#stopping
  }

  async #close(): Promise<void> {
    this.#stop.abort()
    this.wake()
    const tasks = [...this.#tasks.values()]
    this.#tasks.clear()
    await Promise.all([this.#closeSource(), this.#loop, ...tasks.map((task) => task.close()), ...this.#closing.values()])
  }

  #drop(id: string): void {
    const task = this.#tasks.get(id)
    this.#tasks.delete(id)
    // It may have come and gone before: whoever opens its stores next waits until both are closed.
    const closing: Promise<void> = Promise.all([this.#closing.get(id), task?.close()]).then(() => {
      if (this.#closing.get(id) === closing) this.#closing.delete(id)
      this.wake()
    })
    this.#closing.set(id, closing)
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await this.#step()
      } catch (error) {
        if (!signal.aborted) await this.#recover(error)
      }
    }
    await this.#closeSource()
  }

  /** One look, one poll, or one wait. */
  async #step(): Promise<void> {
    const { environment, hasToWait } = this.#options
    if (hasToWait()) return this.#sleep(Infinity)
    const tasks = [...this.#tasks.values()]
    for (const task of tasks) await task.settle()
    this.#openNext()
    const now = environment.clock.monotonic()
    const fresh = tasks.filter(({ isFresh }) => isFresh)
    if (now >= this.#lookAt) {
      await this.#look(tasks)
      this.#lookAt = now + LOOK_MS
    } else if (fresh.length > 0) await this.#look(fresh)
    const jobs = tasks.flatMap((task) => task.jobs)
    if (jobs.length === 0) {
      await this.#closeSource()
      // The end of an opening or a closing wakes it.
      const waits = this.#opening !== undefined || this.#closing.size > 0
      const openAt = waits ? [] : tasks.map((task) => task.openAt ?? Infinity)
      await this.#sleep(Math.min(Infinity, ...openAt, ...(tasks.length === 0 ? [] : [this.#lookAt])) - now)
    } else if (hasRoom(jobs)) await this.#poll(jobs)
    else await this.#sleep(POLL_MS)
  }

  /** One task at a time: opening reads all that a store has on disk. */
  #openNext(): void {
    const { environment, hasToWait } = this.#options
    if (this.#opening !== undefined || hasToWait()) return
    const now = environment.clock.monotonic()
    const next = [...this.#tasks].find(([id, { openAt }]) => !this.#closing.has(id) && openAt !== undefined && openAt <= now)
    this.#opening = next?.[1].open().then(() => {
      this.#opening = undefined
      this.#openNext()
      this.wake()
    })
  }

  async #look(tasks: readonly StandbyTask[]): Promise<void> {
    const stores = tasks.flatMap((task) => task.stores)
    const states = await unlessAborted(lookAtExisting(stores, this.#options.environment), this.#stop.signal)
    if (states === undefined) return
    for (const task of tasks) await task.look(states)
  }

  async #poll(jobs: readonly RestoreJob[]): Promise<void> {
    const { environment } = this.#options
    const source = (this.#source ??= await openChangelogSource(this.#options, environment.definition, 'standby'))
    const assigned = [...this.#assigned.values()]
    if (jobs.length !== assigned.length || jobs.some((job, i) => job !== assigned[i])) {
      await source.assign(jobs.map(({ entry: { topic, partition }, next }) => ({ topic, partition, offset: next })))
      this.#assigned = new Map(jobs.map((job) => [partitionKey(job.entry.topic, job.entry.partition), job]))
    }
    const polled = await unlessAborted(source.poll(POLL_MS), this.#stop.signal)
    // The source is closed, and what it has read is nobody's.
    if (polled === undefined) return
    distribute(polled, this.#assigned)
    if (polled.batches.length > 0 || polled.ends.length > 0) this.#troubles = 0
  }

  /** What is wrong with a changelog, if that is the matter, the look that follows finds out. */
  async #recover(error: unknown): Promise<void> {
    const { clock, logger } = this.#options.environment
    const retryMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#troubles++)
    let cancel: () => void = () => undefined
    const waited = new Promise<void>((resolve) => {
      cancel = clock.after(retryMs, resolve)
    })
    logger.warn({ err: error, retryMs }, 'the changelogs of tasks that are elsewhere could not be read; it is tried again')
    await this.#closeSource()
    this.#lookAt = -Infinity
    await unlessAborted(waited, this.#stop.signal)
    cancel()
  }

  async #closeSource(): Promise<void> {
    const source = this.#source
    this.#source = undefined
    this.#assigned = new Map()
    await source
      ?.close()
      .catch((error: unknown) => this.#options.environment.logger.debug({ err: error }, 'a reader of changelogs did not close well'))
  }

  /** Until something wakes it, or the time is over. */
  async #sleep(limitMs: number): Promise<void> {
    const { clock } = this.#options.environment
    const cancel = limitMs === Infinity ? undefined : clock.after(Math.max(0, limitMs), () => this.wake())
    await this.#wakeup.wait()
    cancel?.()
  }
}

import { partitionKey, type TopicPartitionOffset } from '@millrace/core'
import type { Task } from './task.ts'

export interface RestoreRequest {
  readonly tasks: readonly Task[]
  /** Aborted: the restore is to end, and to reject. */
  readonly signal: AbortSignal
  /** To be called with the ids of tasks as soon as their stores are there. */
  readonly onRestored: (tasks: readonly string[]) => void
}

export interface ActivationSteps {
  /** Opens the local stores of one task. */
  readonly open: (task: Task) => Promise<void>
  /** Restores the stores of tasks. */
  readonly restore: (request: RestoreRequest) => Promise<void>
  /** A task that was taken out failed afterwards: nobody else is to be told. */
  readonly onFailedLate: (task: Task, error: unknown) => void
  /** Commits where reading begins, for partitions that had no committed offset. */
  readonly commitStarts: (starts: readonly TopicPartitionOffset[]) => Promise<void>
}

/**
 * Brings newly assigned tasks from `created` to `running`: open stores, restore, commit the start offsets, make the processors. Each task
 * begins as soon as its own stores are there, while others are still restored. Tasks can be taken out while others go on.
 */
export class Activation {
  readonly #steps: ActivationSteps
  readonly #starts: readonly TopicPartitionOffset[]
  readonly #tasks: Set<Task>
  /** Tasks with which nothing more is begun, since one has failed; a step of theirs may still be under way. */
  readonly #givenUp = new Set<Task>()
  #interrupt = new AbortController()
  /** Steps that have begun and not ended. */
  readonly #underWay = new Set<Promise<unknown>>()
  #removing: Promise<void> | undefined

  /** `starts`: where reading begins that is not committed yet; of a partition that is there twice, the last counts. */
  constructor(tasks: readonly Task[], starts: readonly TopicPartitionOffset[], steps: ActivationSteps) {
    this.#tasks = new Set(tasks)
    this.#starts = [...new Map(starts.map((at) => [partitionKey(at.topic, at.partition), at])).values()]
    this.#steps = steps
  }

  /** Resolves when all tasks run that were not taken out. When one fails the others are not begun, and the first error is thrown once all is quiet. */
  async run(): Promise<void> {
    const stateless = [...this.#tasks].filter((task) => task.stores.count === 0)
    const stateful = [...this.#tasks].filter((task) => task.stores.count > 0)
    await this.#all([this.#begin(stateless), this.#restoreAndBegin(stateful)])
  }

  /** Takes tasks out: once it resolves nothing touches them any more. */
  async remove(tasks: readonly Task[]): Promise<void> {
    const mine = tasks.filter((task) => this.#tasks.delete(task) || this.#givenUp.delete(task))
    if (mine.length === 0) return
    let removed: () => void = () => undefined
    this.#removing = new Promise((resolve) => {
      removed = resolve
    })
    this.#interrupt.abort()
    for (const task of mine) task.interrupt()
    await Promise.allSettled([...this.#underWay])
    this.#removing = undefined
    removed()
  }

  async #restoreAndBegin(tasks: readonly Task[]): Promise<void> {
    await this.#all(tasks.map((task) => this.#uninterrupted([task], () => this.#open(task))))
    const missing = new Map(tasks.map((task) => [task.id, task]))
    const beginning: Promise<void>[] = []
    const onRestored = (ids: readonly string[]) => {
      const restored = ids.flatMap((id) => missing.get(id) ?? [])
      for (const id of ids) missing.delete(id)
      const begun = this.#all([this.#begin(restored)])
      // It is awaited below, when the others are restored.
      begun.catch(() => undefined)
      beginning.push(begun)
    }
    try {
      await this.#all([this.#restore(missing, onRestored)])
    } finally {
      await this.#all(beginning)
    }
  }

  async #open(task: Task): Promise<void> {
    task.restoring()
    await this.#steps.open(task)
  }

  /** Until `missing` is empty: with those that are left, whenever some are taken out. */
  async #restore(missing: ReadonlyMap<string, Task>, onRestored: RestoreRequest['onRestored']): Promise<void> {
    for (;;) {
      await this.#removing
      const tasks = this.#left([...missing.values()])
      if (tasks.length === 0) return
      const interrupt = new AbortController()
      this.#interrupt = interrupt
      try {
        await this.#track(this.#steps.restore({ tasks, signal: interrupt.signal, onRestored }))
      } catch (error) {
        if (!interrupt.signal.aborted) throw error
      }
    }
  }

  async #begin(tasks: readonly Task[]): Promise<void> {
    const left = this.#left(tasks)
    const partitions = new Set(left.flatMap((task) => task.queues.map(({ topic, partition }) => partitionKey(topic, partition))))
    const starts = this.#starts.filter(({ topic, partition }) => partitions.has(partitionKey(topic, partition)))
    if (starts.length > 0) await this.#track(this.#steps.commitStarts(starts))
    await this.#uninterrupted(tasks, async (task) => {
      if (task.state === 'created') task.restoring()
      await task.start()
      // Nothing more is done with it here; that it is taken away need not disturb the others.
      this.#tasks.delete(task)
      this.#givenUp.delete(task)
    })
  }

  /** Does `work` for each task that is left; `remove` waits for the one under way. */
  async #uninterrupted(tasks: readonly Task[], work: (task: Task) => Promise<void>): Promise<void> {
    for (const task of tasks) {
      await this.#removing
      if (!this.#tasks.has(task)) continue
      try {
        await this.#track(work(task))
      } catch (error) {
        if (this.#tasks.has(task)) throw error
        this.#steps.onFailedLate(task, error)
      }
    }
  }

  /** Waits for all; when one fails, nothing more is begun for any task, and the first error is thrown once all have ended. */
  async #all(branches: readonly Promise<void>[]): Promise<void> {
    const ends = await Promise.allSettled(branches.map((branch) => branch.catch((error: unknown) => this.#giveUp(error))))
    const failed = ends.find((end) => end.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  #giveUp(error: unknown): never {
    for (const task of this.#tasks) this.#givenUp.add(task)
    this.#tasks.clear()
    this.#interrupt.abort()
    throw error
  }

  async #track(step: Promise<void>): Promise<void> {
    this.#underWay.add(step)
    try {
      await step
    } finally {
      this.#underWay.delete(step)
    }
  }

  #left(tasks: readonly Task[]): readonly Task[] {
    return tasks.filter((task) => this.#tasks.has(task))
  }
}

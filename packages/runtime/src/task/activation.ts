import type { TopicPartitionOffset } from '@millrace/core'
import type { Task } from './task.ts'

export interface ActivationSteps {
  /** Opens the local stores of one task. */
  readonly open: (task: Task) => Promise<void>
  /** Restores the stores of these tasks; rejects when `signal` is aborted. */
  readonly restore: (tasks: readonly Task[], signal: AbortSignal) => Promise<void>
  /** Commits where reading begins, for partitions that had no committed offset. */
  readonly commitStarts: (starts: readonly TopicPartitionOffset[]) => Promise<void>
}

/**
 * Brings newly assigned tasks from `created` to `running`: open stores, restore, commit the start offsets, make the processors. Tasks without
 * stores don't wait for those with. Tasks can be taken out while others go on.
 */
export class Activation {
  readonly #steps: ActivationSteps
  readonly #starts: readonly TopicPartitionOffset[]
  readonly #tasks: Set<Task>
  #interrupt = new AbortController()
  /** Steps that have begun and not ended. */
  readonly #underWay = new Set<Promise<unknown>>()
  #removing: Promise<void> | undefined

  constructor(tasks: readonly Task[], starts: readonly TopicPartitionOffset[], steps: ActivationSteps) {
    this.#tasks = new Set(tasks)
    this.#starts = starts
    this.#steps = steps
  }

  /** Resolves when all tasks run that were not taken out. When one fails the others are not begun, and the first error is thrown once all is quiet. */
  async run(): Promise<void> {
    const stateless = [...this.#tasks].filter((task) => task.stores.count === 0)
    const stateful = [...this.#tasks].filter((task) => task.stores.count > 0)
    const giveUp = (error: unknown): never => {
      this.#tasks.clear()
      this.#interrupt.abort()
      throw error
    }
    const branches = [this.#begin(stateless).catch(giveUp), this.#restoreAndBegin(stateful).catch(giveUp)]
    const [first] = (await Promise.allSettled(branches)).filter((one) => one.status === 'rejected')
    if (first !== undefined) throw first.reason
  }

  /** Takes tasks out: once it resolves nothing touches them any more. */
  async remove(tasks: readonly Task[]): Promise<void> {
    const mine = tasks.filter((task) => this.#tasks.delete(task))
    if (mine.length === 0) return
    let removed: () => void = () => undefined
    this.#removing = new Promise((resolve) => {
      removed = resolve
    })
    this.#interrupt.abort()
    await Promise.allSettled([...this.#underWay])
    this.#removing = undefined
    removed()
  }

  async #restoreAndBegin(tasks: readonly Task[]): Promise<void> {
    await this.#uninterrupted(tasks, async (task) => {
      task.restoring()
      await this.#steps.open(task)
    })
    for (;;) {
      await this.#removing
      const left = this.#left(tasks)
      if (left.length === 0) return
      const interrupt = new AbortController()
      this.#interrupt = interrupt
      try {
        await this.#track(this.#steps.restore(left, interrupt.signal))
        break
      } catch (error) {
        if (!interrupt.signal.aborted) throw error
      }
    }
    await this.#begin(tasks)
  }

  async #begin(tasks: readonly Task[]): Promise<void> {
    const left = this.#left(tasks)
    const partitions = new Set(left.flatMap((task) => task.queues.map(({ topic, partition }) => `${topic} ${partition}`)))
    const starts = this.#starts.filter(({ topic, partition }) => partitions.has(`${topic} ${partition}`))
    if (starts.length > 0) await this.#track(this.#steps.commitStarts(starts))
    await this.#uninterrupted(tasks, async (task) => {
      if (task.state === 'created') task.restoring()
      await task.start()
    })
  }

  /** Does `work` for each task that is left; `remove` waits for the one under way. */
  async #uninterrupted(tasks: readonly Task[], work: (task: Task) => Promise<void>): Promise<void> {
    for (const task of tasks) {
      await this.#removing
      if (!this.#tasks.has(task)) continue
      await this.#track(work(task))
    }
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

import type { TaskEnvironment } from '../task/task-environment.ts'
import type { ChangeloggedStore } from './changelogged-store.ts'

/** How often it is told, at most. */
const TELL_MS = 60_000

/** What is too old for a store of windows has no effect: once in a while somebody should know. */
export class DroppedWindows {
  readonly #environment: Pick<TaskEnvironment, 'clock' | 'logger'>
  readonly #task: string
  #toldAt = -Infinity

  constructor(environment: Pick<TaskEnvironment, 'clock' | 'logger'>, task: string) {
    this.#environment = environment
    this.#task = task
  }

  /** Call it as often as you like. */
  tell(stores: readonly ChangeloggedStore[]): void {
    const { clock, logger } = this.#environment
    const now = clock.monotonic()
    if (now - this.#toldAt < TELL_MS) return
    for (const { definition, store } of stores) {
      const dropped = store.takeDropped()
      if (dropped === 0) continue
      this.#toldAt = now
      const fields = { task: this.#task, store: definition.name, dropped, streamTime: store.streamTime }
      logger.warn(fields, 'windows that were older than the retention of their store were not kept')
    }
  }
}

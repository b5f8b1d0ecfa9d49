import { renameSync } from 'node:fs'
import { readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Logger } from '@millrace/core'
import { NowAndThen } from '../internal/now-and-then.ts'
import { isSetAside } from '../store/set-aside.ts'

/** How often it is looked, at most. */
const LOOK_MS = 60_000
const TASK = /^\d+_\d+$/
const REMOVING = '.removing'

export interface StateCleanerOptions {
  /** Of this process: a folder for each task. */
  readonly folder: string
  /** How long a task has to be away. */
  readonly delayMs: number
  /** Ids of the tasks that are here, or followed here; undefined while nobody knows. */
  readonly here: () => ReadonlySet<string> | undefined
  readonly clock: Clock
  readonly logger: Logger
}

/** Removes local state of tasks that have been elsewhere for long. What was set aside stays as long as it is kept. */
export class StateCleaner {
  readonly #options: StateCleanerOptions
  /** Since when tasks with a folder are elsewhere, as far as this process knows. */
  readonly #awaySince = new Map<string, number>()
  readonly #timer: NowAndThen

  constructor(options: StateCleanerOptions) {
    this.#options = options
    this.#timer = new NowAndThen(options.clock, Math.min(options.delayMs, LOOK_MS), () => this.#clean())
  }

  start(): void {
    this.#timer.start()
  }

  /** Resolves when nothing is being removed any more. */
  stop(): Promise<void> {
    return this.#timer.stop()
  }

  /** Never rejects. */
  async #clean(): Promise<void> {
    const { folder, delayMs, here, clock, logger } = this.#options
    try {
      const names = await readdir(folder)
      for (const name of names.filter((one) => one.endsWith(REMOVING))) await rm(join(folder, name), { recursive: true, force: true })
      for (const task of names.filter((name) => TASK.test(name))) {
        const isHere = here()?.has(task)
        // Who was put out of the group knows of nothing that it is elsewhere: with all brokers away nothing is.
        if (isHere === undefined) this.#awaySince.clear()
        if (isHere !== false) {
          this.#awaySince.delete(task)
          continue
        }
        const since = this.#awaySince.get(task) ?? clock.monotonic()
        this.#awaySince.set(task, since)
        if (clock.monotonic() - since < delayMs) continue
        await this.#remove(task)
        this.#awaySince.delete(task)
      }
    } catch (error) {
      logger.warn({ err: error, folder }, 'local state of tasks that are elsewhere could not be removed')
    }
  }

  async #remove(task: string): Promise<void> {
    const { folder, here, logger } = this.#options
    for (const store of await readdir(join(folder, task))) {
      if (isSetAside(store)) continue
      const removing = join(folder, `${task}.${store}${REMOVING}`)
      // In one step with the look whether it is still elsewhere: it may come back any time, and then begins anew.
      if (here()?.has(task) !== false) return
      renameSync(join(folder, task, store), removing)
      await rm(removing, { recursive: true, force: true })
      logger.info({ task, store }, 'local state of a task that has been elsewhere for long was removed')
    }
    // Unless there is something in it yet.
    await rmdir(join(folder, task)).catch(() => undefined)
  }
}

import type { OffsetCommit } from '@millrace/core'
import type { Standbys } from '../standby/standbys.ts'
import { unloggedTasks } from '../standby/stateful-tasks.ts'
import type { AppParts } from './app.ts'
import { KeptState } from './kept-state.ts'
import { RepartitionPurge } from './repartition-purge.ts'
import { StateCleaner } from './state-cleaner.ts'

/** What is done now and then, and is missed by nobody for a while. */
export class Housekeeping {
  readonly kept: KeptState
  readonly #purge: RepartitionPurge
  readonly #cleaner: StateCleaner

  /** `here`: ids of the tasks that are in this process; undefined while nobody knows. */
  constructor(
    { definition, context, admin, plan, slot }: AppParts,
    here: () => ReadonlySet<string> | undefined,
    standbys: Standbys | undefined,
  ) {
    const { clock, repartitionPurgeIntervalMs, state } = definition
    const { logger } = context
    // Of state without a changelog there is nothing else.
    const only = unloggedTasks(plan)
    const kept = () => {
      const ids = here()
      // What follows a task that is elsewhere is not left over.
      return ids && new Set([...ids, ...(standbys?.wanted ?? []), ...only])
    }
    this.kept = new KeptState({ plan, folder: slot.folder, standbys, logger })
    this.#purge = new RepartitionPurge({ topics: plan.repartitions, intervalMs: repartitionPurgeIntervalMs, admin, clock, logger })
    this.#cleaner = new StateCleaner({ folder: slot.folder, delayMs: state.cleanupDelayMs, here: kept, clock, logger })
  }

  start(): void {
    this.#purge.start()
    this.#cleaner.start()
  }

  /** These offsets are committed. */
  committed(offsets: readonly OffsetCommit[]): void {
    this.#purge.note(offsets)
  }

  /** Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    await Promise.all([this.#purge.stop(), this.#cleaner.stop(), this.kept.close()])
  }
}

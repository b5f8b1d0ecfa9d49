import type { OffsetCommit } from '@millrace/core'
import type { Standbys } from '../standby/standbys.ts'
import { unloggedTasks } from '../standby/stateful-tasks.ts'
import { KeptState } from './kept-state.ts'
import type { AppParts } from './local-app.ts'
import { RepartitionPurge } from './repartition-purge.ts'
import { StateCleaner } from './state-cleaner.ts'

/** What is done now and then, and is missed by nobody for a while. */
export class Housekeeping {
  readonly kept: KeptState
  readonly #purge: RepartitionPurge
  readonly #cleaner: StateCleaner | undefined

  /** `here`: ids of the tasks that are in this process; undefined while nobody knows. */
  constructor(parts: AppParts, here: () => ReadonlySet<string> | undefined, standbys: Standbys | undefined) {
    const { definition, context, admin, plan, slot, thread } = parts
    const { clock, repartitionPurgeIntervalMs } = definition
    const { logger } = context
    this.kept = new KeptState({ plan, folder: slot.folder, thread: thread?.number, standbys, logger })
    this.#purge = new RepartitionPurge({ topics: plan.repartitions, intervalMs: repartitionPurgeIntervalMs, admin, clock, logger })
    // What is elsewhere may be in another thread of this process: who has them all cleans up.
    this.#cleaner = thread === undefined ? stateCleaner(parts, here, standbys) : undefined
  }

  start(): void {
    this.#purge.start()
    this.#cleaner?.start()
  }

  /** These offsets are committed. */
  committed(offsets: readonly OffsetCommit[]): void {
    this.#purge.note(offsets)
  }

  /** Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    await Promise.all([this.#purge.stop(), this.#cleaner?.stop(), this.kept.close()])
  }
}

/** Removes local state that this process needs no more. `here`: ids of the tasks that are in it; undefined while nobody knows. */
export function stateCleaner(
  { definition, context, plan, slot }: Pick<AppParts, 'definition' | 'context' | 'plan' | 'slot'>,
  here: () => ReadonlySet<string> | undefined,
  standbys: Standbys | undefined,
): StateCleaner {
  // Of state without a changelog there is nothing else.
  const only = unloggedTasks(plan)
  const kept = () => {
    const ids = here()
    // What follows a task that is elsewhere is not left over.
    return ids && new Set([...ids, ...(standbys?.wanted ?? []), ...only])
  }
  const { clock, state } = definition
  return new StateCleaner({ folder: slot.folder, delayMs: state.cleanupDelayMs, here: kept, clock, logger: context.logger })
}

import { MillraceError } from '@millrace/core'
import type { TaskStore } from './layers/task-store.ts'

/** What was last written as metadata. Closes a store that can't even say what it holds. */
export async function metadataOf(store: TaskStore): Promise<Uint8Array | undefined> {
  try {
    return await store.metadata()
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Why a store was to begin anew, and where its folder is now, if it had one. */
export interface BegunAnew {
  readonly name: string
  readonly task: string
  readonly reason: string
  readonly aside: string | undefined
}

/** Closes a store, and rejects, if it still holds what was set aside: its backend keeps that elsewhere than in its folder. */
export async function checkEmpty(store: TaskStore, { name, task, reason, aside }: BegunAnew): Promise<void> {
  if ((await metadataOf(store)) === undefined) return
  await store.close()
  throw new MillraceError(
    'STORE_NOT_EMPTY',
    `Store '${name}' of task ${task} has to begin anew (${reason}), but what its backend opens still holds what it held before` +
      `${aside === undefined ? '' : `, although its folder is ${aside} now`}: it keeps its data elsewhere than in the folder that it is given. ` +
      `Empty it there (what belongs to this task of this store), and start the application again.`,
    { stage: 'store', task },
  )
}

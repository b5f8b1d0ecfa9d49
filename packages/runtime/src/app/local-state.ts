import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { MillraceError } from '@millrace/core'
import { lockHolder, type LockHolder } from './lock-file.ts'
import { clearSlot, SLOT_LOCK } from './state-slot.ts'

/** One store of one task, as it lies on disk. */
export interface LocalStore {
  /** `<sub-topology>_<partition>`. */
  readonly task: string
  readonly store: string
  readonly folder: string
}

/** What one process keeps below `stateDir/<applicationId>`. */
export interface LocalSlot {
  readonly folder: string
  /** The process that has it open, if one does. */
  readonly heldBy: LockHolder | undefined
  /** Also what was set aside, under the name that it has now. */
  readonly stores: readonly LocalStore[]
}

const SLOT = /^\d+$/
const TASK = /^\d+_\d+$/

/** The local state of an application on this machine; nothing where there is no such folder. Looks only at what is really in the folder, not behind links. */
export async function localState(stateDir: string, applicationId: string): Promise<readonly LocalSlot[]> {
  const root = resolve(stateDir, applicationId)
  const slots = (await foldersIn(root)).filter((name) => SLOT.test(name)).toSorted((a, b) => Number(a) - Number(b))
  return Promise.all(
    slots.map(async (slot) => {
      const folder = join(root, slot)
      const stores: LocalStore[] = []
      for (const task of (await foldersIn(folder)).filter((name) => TASK.test(name)).toSorted()) {
        for (const store of (await foldersIn(join(folder, task))).toSorted())
          stores.push({ task, store, folder: join(folder, task, store) })
      }
      return { folder, heldBy: await lockHolder(join(folder, SLOT_LOCK)), stores }
    }),
  )
}

/**
 * Deletes the local state of an application on this machine, of all its processes: the next run restores it. Process ids stay. Rejects with `STATE_FOLDER`
 * if a process has any of it open, then nothing is deleted, or if a folder can't be written.
 */
export async function deleteLocalState(stateDir: string, applicationId: string): Promise<void> {
  const slots = await localState(stateDir, applicationId)
  for (const { folder, heldBy } of slots) {
    if (heldBy === undefined) continue
    const message = `The state folder '${folder}' is in use by process ${heldBy.pid} on ${heldBy.host}: stop it first.`
    throw new MillraceError('STATE_FOLDER', message, { stage: 'store' })
  }
  for (const { folder } of slots) await clearSlot(folder)
}

async function foldersIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw new MillraceError('STATE_FOLDER', `The state folder '${folder}' can't be read: ${(error as Error).message}`, {
      stage: 'store',
      cause: error,
    })
  }
}

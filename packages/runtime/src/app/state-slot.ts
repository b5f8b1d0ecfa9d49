import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { MillraceError } from '@millrace/core'
import { takeLock } from './lock-file.ts'

/**
 * The folder of one process below `stateDir/<applicationId>`: processes that share a state folder each hold a slot of their own, the lowest
 * that is free. A slot keeps its process id for good.
 */
export interface StateSlot {
  readonly folder: string
  /** A UUID that outlives restarts. */
  readonly processId: string
  /** Deletes what is in it but for its process id. Also when it was released, unless another process holds it: then it rejects with `STATE_FOLDER`. */
  clear(): Promise<void>
  /** Lets another process have the slot. */
  release(): Promise<void>
}

/** Held by the process that has the slot. */
export const SLOT_LOCK = '.lock'
const PROCESS_ID = 'process-id'

/** Slots held by this very process: several applications may run in it. */
const heldHere = new Set<string>()

/** Rejects with `STATE_FOLDER` when the folder can't be written. */
export async function acquireSlot(stateDir: string, applicationId: string): Promise<StateSlot> {
  const root = resolve(stateDir, applicationId)
  try {
    await mkdir(root, { recursive: true })
    for (let slot = 0; ; slot++) {
      const folder = join(root, String(slot))
      if (await tryHold(folder)) return slotOf(folder, await processIdOf(folder))
    }
  } catch (error) {
    throw stateFolder(`'${root}' can't be used: ${(error as Error).message}`, error)
  }
}

function slotOf(folder: string, processId: string): StateSlot {
  let held = true
  return {
    folder,
    processId,
    async clear() {
      if (held) return removeTasks(folder)
      await clearSlot(folder)
    },
    async release() {
      held = false
      await release(folder)
    },
  }
}

/** Deletes what is in a slot but for its process id. Rejects with `STATE_FOLDER` if a process has it. */
export async function clearSlot(folder: string): Promise<void> {
  if (!(await tryHold(folder))) throw stateFolder(`'${folder}' is another process's now`, undefined)
  try {
    await removeTasks(folder)
  } finally {
    await release(folder)
  }
}

async function removeTasks(folder: string): Promise<void> {
  const kept = new Set([SLOT_LOCK, PROCESS_ID])
  try {
    for (const name of await readdir(folder)) if (!kept.has(name)) await rm(join(folder, name), { recursive: true, force: true })
  } catch (error) {
    throw stateFolder(`'${folder}' can't be emptied: ${(error as Error).message}`, error)
  }
}

function stateFolder(problem: string, cause: unknown): MillraceError {
  return new MillraceError('STATE_FOLDER', `The state folder ${problem}`, { stage: 'store', cause })
}

async function tryHold(folder: string): Promise<boolean> {
  if (heldHere.has(folder)) return false
  heldHere.add(folder)
  let held = false
  try {
    await mkdir(folder, { recursive: true })
    held = await takeLock(join(folder, SLOT_LOCK))
    return held
  } finally {
    if (!held) heldHere.delete(folder)
  }
}

async function processIdOf(folder: string): Promise<string> {
  const file = join(folder, PROCESS_ID)
  try {
    const id = (await readFile(file, 'utf8')).trim()
    if (id !== '') return id
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const id = randomUUID()
  await writeFile(`${file}.new`, id)
  await rename(`${file}.new`, file)
  return id
}

async function release(folder: string): Promise<void> {
  await rm(join(folder, SLOT_LOCK), { force: true })
  heldHere.delete(folder)
}

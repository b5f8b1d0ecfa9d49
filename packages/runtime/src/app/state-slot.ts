import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { MillraceError } from '@millrace/core'

/**
 * The folder of one process below `stateDir/<applicationId>`: processes that share a state folder each hold a slot of their own, the lowest
 * that is free. A slot keeps its process id for good.
 */
export interface StateSlot {
  readonly folder: string
  /** A UUID that outlives restarts. */
  readonly processId: string
  /** Lets another process have the slot. */
  release(): Promise<void>
}

interface Holder {
  readonly pid: number
  readonly host: string
  /** When the process began, as the system tells it: a process id may be used again. */
  readonly started: string
}

/** Slots held by this very process: several applications may run in it. */
const heldHere = new Set<string>()

/** Rejects with `STATE_FOLDER` when the folder can't be written. */
export async function acquireSlot(stateDir: string, applicationId: string): Promise<StateSlot> {
  const root = resolve(stateDir, applicationId)
  try {
    await mkdir(root, { recursive: true })
    for (let slot = 0; ; slot++) {
      const folder = join(root, String(slot))
      if (await tryLock(folder)) return { folder, processId: await processIdOf(folder), release: () => release(folder) }
    }
  } catch (error) {
    throw new MillraceError('STATE_FOLDER', `The state folder '${root}' can't be used: ${(error as Error).message}`, {
      stage: 'store',
      cause: error,
    })
  }
}

async function tryLock(folder: string): Promise<boolean> {
  if (heldHere.has(folder)) return false
  heldHere.add(folder)
  try {
    await mkdir(folder, { recursive: true })
    for (;;) {
      if (await writeLock(folder)) return true
      const holder = await readHolder(folder)
      if (holder !== undefined && isAlive(holder)) {
        heldHere.delete(folder)
        return false
      }
      // Left behind by a process that was killed. Renaming tells two processes that find it at once apart: only one succeeds.
      const stale = join(folder, `.lock-stale-${randomUUID()}`)
      await rename(join(folder, '.lock'), stale).catch(ignoreMissing)
      await unlink(stale).catch(ignoreMissing)
    }
  } catch (error) {
    heldHere.delete(folder)
    throw error
  }
}

async function writeLock(folder: string): Promise<boolean> {
  const holder: Holder = { pid: process.pid, host: hostname(), started: startOf(process.pid) }
  try {
    await writeFile(join(folder, '.lock'), JSON.stringify(holder), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function readHolder(folder: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, '.lock'), 'utf8')) as Holder
  } catch {
    return undefined
  }
}

/** A holder on another machine (a shared volume) counts as alive: only its own machine can tell. */
function isAlive({ pid, host, started }: Holder): boolean {
  if (host !== hostname()) return true
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return startOf(pid) === started
}

/** Field 22 of /proc/<pid>/stat on Linux; elsewhere the process id alone must do. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

async function processIdOf(folder: string): Promise<string> {
  const file = join(folder, 'process-id')
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
  await rm(join(folder, '.lock'), { force: true })
  heldHere.delete(folder)
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

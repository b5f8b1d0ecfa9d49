import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { link, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'

/** Who holds a lock. */
export interface LockHolder {
  /** Its process id there. */
  readonly pid: number
  /** The name of its machine. */
  readonly host: string
  /** When the process began, as the system tells it: a process id may be used again. */
  readonly started: string
}

/** A lock that can't be read is somebody's who is just writing it; older than this it is rubbish. */
const UNREADABLE_MS = 10_000

/**
 * Takes a lock file that dies with its process: false if a living process holds it. The file appears with its contents in one step, and a dead
 * one is moved away before it is replaced, so that of two processes that come at once only one gets it.
 */
export async function takeLock(file: string): Promise<boolean> {
  const mine = `${file}-${randomUUID()}`
  await writeFile(mine, JSON.stringify({ pid: process.pid, host: hostname(), started: startOf(process.pid) } satisfies LockHolder))
  try {
    while (!(await linked(mine, file))) {
      const found = await read(file)
      if (found === undefined) continue
      if (await isHeld(file, found)) return false
      const dead = `${file}-${randomUUID()}`
      if (!(await moved(file, dead))) continue
      const taken = await read(dead)
      // Somebody else was quicker, and this is his: it goes back, unless yet another has come.
      if (taken !== found) await linked(dead, file)
      await unlink(dead)
      if (taken !== found) return false
    }
    return true
  } finally {
    await unlink(mine)
  }
}

/** The living process that holds a lock; undefined if none does. */
export async function lockHolder(file: string): Promise<LockHolder | undefined> {
  const content = await read(file)
  if (content === undefined || !(await isHeld(file, content))) return undefined
  try {
    return JSON.parse(content) as LockHolder
  } catch {
    // It is just being written.
    return { pid: 0, host: hostname(), started: '' }
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  return link(from, to).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'EEXIST') return false
      throw error
    },
  )
}

async function moved(from: string, to: string): Promise<boolean> {
  return rename(from, to).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return false
      throw error
    },
  )
}

async function read(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
}

/** A holder on another machine (a shared volume) counts as alive: only its own machine can tell. */
async function isHeld(file: string, content: string): Promise<boolean> {
  let holder: LockHolder
  try {
    holder = JSON.parse(content) as LockHolder
  } catch {
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() }))
    return Date.now() - mtimeMs < UNREADABLE_MS
  }
  if (holder.host !== hostname()) return true
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
  return startOf(holder.pid) === holder.started
}

/** Field 22 of /proc/<pid>/stat on Linux; elsewhere the process id alone must do. */
function startOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    // It has ended, and keeps its id until its parent asks how: in a container perhaps for ever.
    if (fields[0] === 'Z' || fields[0] === 'X') return 'ended'
    return fields[19] ?? ''
  } catch {
    return ''
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

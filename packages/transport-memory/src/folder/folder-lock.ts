import { linkSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { folderError } from './folder-error.ts'
import { processIdentity } from './process-identity.ts'

interface Owner {
  readonly pid: number
  readonly identity: string
}

const LOCK_FILE = /^lock-(\d+)$/

/**
 * Keeps a folder to one process of a machine, without a file lock (Node has none) and without a race when the owner has died: owners take
 * ascending numbers, each by one atomic link, and the highest number counts. A number is never used twice, since the file of the highest
 * is never deleted, only marked as released.
 */
export class FolderLock {
  readonly #folder: string
  readonly #path: string

  private constructor(folder: string, number: number) {
    this.#folder = folder
    this.#path = join(folder, `lock-${number}`)
  }

  /** Takes the folder, or throws when a living process has it. */
  static acquire(folder: string): FolderLock {
    for (;;) {
      const highest = Math.max(0, ...lockNumbers(folder))
      const owner = readOwner(join(folder, `lock-${highest}`))
      if (owner !== undefined && processIdentity(owner.pid) === owner.identity) {
        throw folderError(
          'FOLDER_LOCKED',
          `Folder '${folder}' is in use by process ${owner.pid}: one process at a time can keep a log there.`,
        )
      }
      const lock = FolderLock.#claim(folder, highest + 1)
      if (lock !== undefined) return lock
    }
  }

  /** Takes a number; undefined when somebody else was faster. */
  static #claim(folder: string, number: number): FolderLock | undefined {
    const lock = new FolderLock(folder, number)
    const draft = join(folder, `lock-draft-${randomUUID()}`)
    const owner: Owner = { pid: process.pid, identity: processIdentity(process.pid) ?? '' }
    writeFileSync(draft, JSON.stringify(owner))
    try {
      linkSync(draft, lock.#path)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined
      throw error
    } finally {
      rmSync(draft)
    }
    const numbers = lockNumbers(folder)
    if (Math.max(...numbers) > number) {
      rmSync(lock.#path, { force: true })
      return undefined
    }
    for (const older of numbers) if (older < number) rmSync(join(folder, `lock-${older}`), { force: true })
    return lock
  }

  release(): void {
    const draft = join(this.#folder, `lock-draft-${randomUUID()}`)
    writeFileSync(draft, 'released')
    renameSync(draft, this.#path)
  }
}

function lockNumbers(folder: string): number[] {
  const numbers: number[] = []
  for (const name of readdirSync(folder)) {
    const match = LOCK_FILE.exec(name)
    if (match !== null) numbers.push(Number(match[1]))
  }
  return numbers
}

/** Who holds a lock file; undefined when it is released or gone. */
function readOwner(path: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Owner
  } catch {
    return undefined
  }
}

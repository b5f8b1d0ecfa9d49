import { writeFileSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ownKey } from '@millrace/core'
import type { ClassicLevel } from 'classic-level'
import { checkTable } from './check-table.ts'
import { corrupt } from './leveldb-errors.ts'

/** Says that a database is ours, and how its keys are laid out. */
const FORMAT_KEY = ownKey('format')
const FORMAT = 1

/** A file that says that contents were found to be damaged while they were in use. */
const DAMAGED = 'DAMAGED'
/** How often a table is looked at that may be just being written, and after how long again. */
const LOOKS = 30
const LOOK_MS = 100
const TABLE = /\.(ldb|sst)$/

/**
 * Each write leaves a mark of its number and takes away the mark of the one before it, in one piece with what it writes. LevelDB drops what it can't
 * read of its log and goes on behind it, and does not miss a log that is gone: then a second mark is left.
 */
export const writeMark = (write: number): Uint8Array => ownKey(`write-${write}`)
const FIRST_MARK = ownKey('write-')
const BEHIND_MARKS = ownKey('write.')

/** What LevelDB may have left in a folder before it had made a database of it. */
const UNFINISHED = /^(LOCK|LOG|LOG\.old|MANIFEST-\d+|\d+\.dbtmp)$/

/**
 * LevelDB makes a new database of every folder without a CURRENT file, and deletes what it finds there. Rejects with `STORE_CORRUPT` if that would
 * cost something: files of somebody else, or of a database whose CURRENT is gone.
 */
export async function checkFolder(folder: string): Promise<void> {
  const names = await readdir(folder)
  if (names.includes(DAMAGED)) throw corrupt(folder, `it was found to be so while it was in use; '${DAMAGED}' in it says more.`)
  if (names.includes('CURRENT')) return
  const foreign = names.find((name) => !UNFINISHED.test(name))
  if (foreign !== undefined) throw corrupt(folder, `there is no CURRENT file, but there is '${foreign}'.`)
}

/** What is damaged has to be found so at the next opening, by whoever opens it. */
export function noteDamage(folder: string, message: string): void {
  try {
    writeFileSync(join(folder, DAMAGED), message)
  } catch {
    // It is found again.
  }
}

/** A table without an end, as it was found. */
interface UnfinishedTable {
  readonly name: string
  /** When its file was written last, in nanoseconds; undefined if it is gone. */
  readonly writtenAt: bigint | undefined
}

async function writtenAt(file: string): Promise<bigint | undefined> {
  const found = await stat(file, { bigint: true }).catch(() => undefined)
  return found?.mtimeNs
}

/**
 * Reads all tables and rejects with `STORE_CORRUPT` if one is not what was written. Resolves to those that have no end: if LevelDB knows of one, and
 * so does not delete it when it opens, it is damaged; see `checkKept`.
 */
export async function checkTables(folder: string): Promise<readonly UnfinishedTable[]> {
  const unfinished: UnfinishedTable[] = []
  for (const name of await readdir(folder)) {
    if (!TABLE.test(name)) continue
    const state = checkTable(await readFile(join(folder, name)))
    if (state === 'damaged') throw corrupt(folder, `table '${name}' is not what was written.`)
    if (state === 'unfinished') unfinished.push({ name, writtenAt: await writtenAt(join(folder, name)) })
  }
  return unfinished
}

/**
 * Rejects with `STORE_CORRUPT` if one of these tables is still there after the database was opened, as it was. LevelDB, if it knew nothing of it, may have
 * given its name to one that it makes: that is sound, or is just being written.
 */
export async function checkKept(folder: string, unfinished: readonly UnfinishedTable[]): Promise<void> {
  for (const { name, writtenAt: before } of unfinished) {
    for (let look = 0; ; look++) {
      const file = join(folder, name)
      const now = await writtenAt(file)
      if (now === undefined) break
      if (now === before || look === LOOKS) throw corrupt(folder, `table '${name}' was cut.`)
      const bytes = await readFile(file).catch(() => undefined)
      if (bytes === undefined || checkTable(bytes) === 'sound') break
      await sleep(LOOK_MS)
    }
  }
}

/**
 * Marks a new database as ours, and resolves to the number of the last write; rejects with `STORE_CORRUPT` for a database of somebody else, of a later
 * version, or with writes missing between others.
 */
export async function checkFormat(database: ClassicLevel<Uint8Array, Uint8Array>, folder: string): Promise<number> {
  const format = await database.get(FORMAT_KEY)
  if (format === undefined) {
    const rows = await database.keys({ limit: 1 }).all()
    if (rows.length > 0) throw corrupt(folder, 'it is the database of another program.')
    await database.batch().put(FORMAT_KEY, Uint8Array.of(FORMAT)).put(writeMark(0), new Uint8Array(0)).write()
    return 0
  }
  if (format[0] !== FORMAT) throw corrupt(folder, `its format is ${format[0]}; this version knows format ${FORMAT}.`)
  const marks = await database.keys({ gte: FIRST_MARK, lt: BEHIND_MARKS }).all()
  const [mark] = marks
  if (mark === undefined || marks.length > 1) throw corrupt(folder, 'some of what was written is missing.')
  return Number(Buffer.from(mark.subarray(FIRST_MARK.length)).toString('latin1'))
}

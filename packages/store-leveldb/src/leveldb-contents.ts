import { readdir } from 'node:fs/promises'
import { ownKey } from '@millrace/core'
import type { ClassicLevel } from 'classic-level'
import { corrupt } from './leveldb-errors.ts'

/** Says that a database is ours, and how its keys are laid out. */
const FORMAT_KEY = ownKey('format')
const FORMAT = 1

/** What LevelDB may have left in a folder before it had made a database of it. */
const UNFINISHED = /^(LOCK|LOG|LOG\.old|MANIFEST-\d+|\d+\.dbtmp)$/

/**
 * LevelDB makes a new database of every folder without a CURRENT file, and deletes what it finds there. Rejects with `STORE_CORRUPT` if that would
 * cost something: files of somebody else, or of a database whose CURRENT is gone.
 */
export async function checkFolder(folder: string): Promise<void> {
  const names = await readdir(folder)
  if (names.includes('CURRENT')) return
  const foreign = names.find((name) => !UNFINISHED.test(name))
  if (foreign !== undefined) throw corrupt(folder, `there is no CURRENT file, but there is '${foreign}'.`)
}

/** Marks a new database as ours; rejects with `STORE_CORRUPT` for one of somebody else, or of a later version. */
export async function checkFormat(database: ClassicLevel<Uint8Array, Uint8Array>, folder: string): Promise<void> {
  const format = await database.get(FORMAT_KEY)
  if (format === undefined) {
    const rows = await database.keys({ limit: 1 }).all()
    if (rows.length > 0) throw corrupt(folder, 'it is the database of another program.')
    await database.put(FORMAT_KEY, Uint8Array.of(FORMAT))
  } else if (format[0] !== FORMAT) throw corrupt(folder, `its format is ${format[0]}; this version knows format ${FORMAT}.`)
}

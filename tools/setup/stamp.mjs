import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Remembers that a step was completed, and for what. It is written last and removed first, so a step that was interrupted, or whose
 * result was deleted together with the stamp inside it, counts as not done.
 * @param {string} file
 */
export function stamp(file) {
  return {
    /** @param {string} key */
    vouchesFor: (key) => read(file) === key,
    /** @param {string} key */
    set(key) {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(`${file}.partial`, key)
      renameSync(`${file}.partial`, file)
    },
    clear() {
      rmSync(file, { force: true })
    },
  }
}

/**
 * One short text for the contents of all these files. A missing file counts too.
 * @param {readonly string[]} files
 * @param {string} [besides] What else the result depends on.
 */
export function fingerprint(files, besides = '') {
  const hash = createHash('sha256').update(besides)
  for (const file of files.toSorted()) {
    const content = read(file)
    hash.update(`\0${file}\0${content === undefined ? 'missing' : content.length}\0`).update(content ?? '')
  }
  return hash.digest('hex')
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

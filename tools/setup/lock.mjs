import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Lets one set-up at a time work on a checkout: a second one waits, and then finds everything done. A lock whose owner is dead is
 * taken over.
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @param {(message: string) => void} say
 * @returns {Promise<T>}
 */
export async function withLock(file, work, say) {
  mkdirSync(dirname(file), { recursive: true })
  for (let told = false; !take(file); told = true) {
    if (!told) say(`waiting for another set-up of this checkout, process ${readOwner(file)} (if that is none, delete ${file})`)
    await delay(200)
  }
  const release = () => rmSync(file, { force: true })
  process.once('exit', release)
  try {
    return await work()
  } finally {
    process.off('exit', release)
    release()
  }
}

/** @param {string} file */
function take(file) {
  if (create(file)) return true
  const owner = Number(readOwner(file))
  if (owner === 0 || isAlive(owner)) return false
  rmSync(file, { force: true })
  return create(file)
}

/**
 * The file appears with its owner in it: one without could never be told from a lock whose owner is about to sign.
 * @param {string} file
 */
function create(file) {
  const signed = `${file}.${process.pid}`
  writeFileSync(signed, String(process.pid))
  try {
    linkSync(signed, file)
    return true
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(signed)
  }
}

/** @param {string} file */
function readOwner(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
}

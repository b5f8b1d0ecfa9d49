import { accessSync, constants, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import process from 'node:process'

const MEMORY = '/dev/shm'
const GIBIBYTE = 2 ** 30
/** More than a run of all tests writes. */
const ROOM_BYTES = 6 * GIBIBYTE
/** What is written there is taken from it. */
const AVAILABLE_BYTES = 12 * GIBIBYTE

/**
 * Where a broker that lives for minutes keeps its logs: in memory if there is plenty of it, else on the disk. A controller flushes each
 * change to its log: on a disk that is busy with what tests write it stands still for seconds, its broker counts as dead meanwhile, and
 * every test on it waits.
 * @param {boolean} longLived
 * @param {string} [memory] A file system that is kept in memory.
 * @param {number} [availableBytes] What this process may have of memory.
 */
export function logFolder(longLived, memory = MEMORY, availableBytes = process.availableMemory()) {
  return !longLived && availableBytes >= AVAILABLE_BYTES && hasRoom(memory) ? memory : tmpdir()
}

/** @param {string} folder */
function hasRoom(folder) {
  try {
    accessSync(folder, constants.W_OK)
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize >= ROOM_BYTES
  } catch {
    return false
  }
}

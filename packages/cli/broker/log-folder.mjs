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
 */
export function logFolder(longLived) {
  return !longLived && hasRoom() && process.availableMemory() >= AVAILABLE_BYTES ? MEMORY : tmpdir()
}

function hasRoom() {
  try {
    accessSync(MEMORY, constants.W_OK)
    const { bavail, bsize } = statfsSync(MEMORY)
    return bavail * bsize >= ROOM_BYTES
  } catch {
    return false
  }
}

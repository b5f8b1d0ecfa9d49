import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'

/** Where the system does not tell what its threads do, a process that was told to stop is given this time. */
const UNTOLD_MS = 200

/**
 * Resolves when every thread of a process that was sent SIGSTOP has stopped: until then it may still answer somebody.
 * @param {number} pid
 */
export async function standsStill(pid) {
  for (;;) {
    const states = await threadStates(pid).catch(() => undefined)
    if (states === undefined) return pause(UNTOLD_MS)
    if (states.every((state) => state === 'T' || state === 'Z')) return undefined
    await pause(1)
  }
}

/** @param {number} pid */
async function threadStates(pid) {
  const threads = await readdir(`/proc/${pid}/task`)
  // What follows the name, which is in parentheses and may hold anything.
  const stats = await Promise.all(threads.map((id) => readFile(`/proc/${pid}/task/${id}/stat`, 'utf8').catch(() => ') Z')))
  return stats.map((stat) => stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3))
}

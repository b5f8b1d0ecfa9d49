import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'

const NANOSECONDS = 1_000_000

/**
 * What the thread of JavaScript has worked so far, in milliseconds: on Linux the processor time that the system gave it, and elsewhere the time that its event
 * loop was not waiting, which counts what others took of the processor meanwhile. Only differences say anything.
 */
export function threadMs(): number {
  try {
    // The main thread has the number of its process.
    const [ran] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')
    return Number(ran) / NANOSECONDS
  } catch {
    return performance.eventLoopUtilization().active
  }
}

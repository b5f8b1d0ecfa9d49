import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

const THREADS = '/proc/self/task'
/** The unit of its times, of which Linux has a hundred in a second on every machine that Node runs on. */
const TICK_MS = 10

/**
 * How much of one core the busiest thread of this process takes, on the average of so many milliseconds: who asks without waiting takes a whole one. A client has
 * a thread for each broker, each of which may look every millisecond or so for what it can send. Of the whole process where the system does not tell of threads.
 */
export async function busiestThreadDuring(ms: number): Promise<number> {
  const before = cpuTimes()
  const since = performance.now()
  await pause(ms)
  const elapsed = performance.now() - since
  return Math.max(...[...cpuTimes()].map(([thread, cpuMs]) => cpuMs - (before.get(thread) ?? 0))) / elapsed
}

/** CPU time of each thread so far, in milliseconds. */
function cpuTimes(): ReadonlyMap<string, number> {
  if (!existsSync(THREADS)) {
    const { user, system } = process.cpuUsage()
    return new Map([['all', (user + system) / 1_000]])
  }
  return new Map(readdirSync(THREADS).flatMap(timeOf))
}

/** Of one that has not just ended. */
function timeOf(thread: string): [string, number][] {
  let text: string
  try {
    text = readFileSync(`${THREADS}/${thread}/stat`, 'utf8')
  } catch {
    return []
  }
  // See proc(5): behind the name, which may hold anything, the 12th and 13th are what it took for itself and in the kernel.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return [[thread, (Number(fields[11]) + Number(fields[12])) * TICK_MS]]
}

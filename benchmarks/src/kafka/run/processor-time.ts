import { readFileSync } from 'node:fs'

/** What the system counts processor time in, on every Linux there is. */
const TICK_MS = 10
/** Behind the name, which may hold spaces: the 14th and 15th field of all. */
const USER = 11
const SYSTEM = 12

/** What these processes have used of processors so far, in milliseconds; undefined where the system does not tell, or there are none. */
export function processorMs(processIds: readonly number[]): number | undefined {
  if (processIds.length === 0) return undefined
  try {
    return processIds.map(ofOne).reduce((sum, ms) => sum + ms, 0)
  } catch {
    return undefined
  }
}

function ofOne(processId: number): number {
  const stat = readFileSync(`/proc/${processId}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[USER]) + Number(fields[SYSTEM])) * TICK_MS
}

import { readFileSync } from 'node:fs'

/**
 * Tells a process from a later one that was given the same number: a container's first process is number 1 after every restart.
 * Undefined when no process has that number. Where there is no /proc, the number alone must do.
 */
export function processIdentity(pid: number): string | undefined {
  if (!isAlive(pid)) return undefined
  const stat = readProc(`/proc/${pid}/stat`)
  // The second field is the program's name in parentheses and may hold anything; the 22nd is when the process began, in ticks since boot.
  const began = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return began === undefined ? 'alive' : `${readProc('/proc/sys/kernel/random/boot_id')?.trim() ?? ''} ${began}`
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Not allowed to signal it: then it is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

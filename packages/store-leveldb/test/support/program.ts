import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const path = (name: string): string => fileURLToPath(new URL(`../programs/${name}`, import.meta.url))

export interface ProgramOptions {
  /** Files it may write, in KiB. Beyond that a write fails, as on a full disk. Default: no limit. */
  readonly fileLimitKiB?: number
}

/** Runs one of the programs of these tests in a process of its own. */
export function startProgram(
  name: string,
  folder: string,
  { fileLimitKiB }: ProgramOptions = {},
): ChildProcessByStdio<null, Readable, null> {
  const command = [process.execPath, path('run-typescript.mjs'), path(name), folder]
  const limit = fileLimitKiB === undefined ? 'unlimited' : String(fileLimitKiB)
  // Node ignores the signal that comes with the limit, so that the write itself fails.
  return spawn('bash', ['-c', 'ulimit -f "$0" && exec "$@"', limit, ...command], { stdio: ['ignore', 'pipe', 'inherit'] })
}

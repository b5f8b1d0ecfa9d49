import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

import type { OutsideProject } from '../../packages/outside-project.mjs'

/** A program of a project outside that runs until it is stopped, or the test ends. What it logs is shown. */
export interface RunningProgram {
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** Asks it to end, as a user's Ctrl-C does. */
  stop(): void
}

/** Starts a program that was built. */
export function startProgram(project: OutsideProject, name: string, env: NodeJS.ProcessEnv): RunningProgram {
  const child = spawn(process.execPath, [join(project.folder, 'dist', name)], { cwd: project.folder, env, stdio: ['ignore', 2, 2] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit').then(([code, signal]) => ({ code: code as number | null, signal: signal as NodeJS.Signals | null }))
  return { ended, stop: () => void child.kill('SIGINT') }
}

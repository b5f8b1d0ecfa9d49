import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { ProgramConfig, ProgramDone, ProgramMessage } from '../programs/program-config.ts'
import type { Program } from '../programs/programs.ts'

/** Of what it says when it fails. */
const LAST_CHARACTERS = 4_000
const OUT_OF_MEMORY = /OutOfMemoryError|heap out of memory|GC overhead limit/

/** A program did not come to its end, with what it said. */
export class ProgramFailure extends Error {
  override readonly name = 'ProgramFailure'
  /** Whether what it lacked was memory, as Java and V8 say so, or time, which it takes for ever where memory is short. */
  readonly isShortOfMemory: boolean

  constructor(message: string, { timedOut }: { readonly timedOut: boolean }) {
    super(message)
    this.isShortOfMemory = timedOut || OUT_OF_MEMORY.test(message)
  }
}

export interface ProgramEnd extends ProgramDone {
  /** Of all brokers, while it ran; undefined where nobody knows their processes. */
  readonly brokerCpuMs: number | undefined
}

/** Runs a program to its end. Rejects, with what it said, if it ends otherwise. `brokerCpuMs` tells what brokers have used so far. */
export async function runProgram(
  program: Program,
  config: ProgramConfig,
  { brokerCpuMs, limitMs }: { readonly brokerCpuMs: () => number | undefined; readonly limitMs: number },
): Promise<ProgramEnd> {
  const { file, args } = program.command(config)
  const began = performance.now()
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: limitMs, killSignal: 'SIGKILL' })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  let said = ''
  let before: number | undefined
  let end: ProgramEnd | undefined
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-LAST_CHARACTERS)
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line) as ProgramMessage
    if (message.type === 'started') before = brokerCpuMs()
    else end = { ...message, brokerCpuMs: between(before, brokerCpuMs()) }
  })
  const failed = once(child, 'error').then(([error]: unknown[]) => `could not be started: ${String(error)}`)
  let timedOut = false
  const closed = once(child, 'close').then(([code, signal]: unknown[]) => {
    timedOut = signal === 'SIGKILL' && performance.now() - began >= limitMs
    return code === 0 ? undefined : `ended with ${String(code ?? signal)}`
  })
  const problem = await Promise.race([failed, closed])
  process.off('exit', kill)
  if (problem !== undefined) throw new ProgramFailure(`${program.title} ${problem}:\n${said.trim()}`, { timedOut })
  if (end === undefined) throw new Error(`${program.title} ended, and did not tell how it went:\n${said.trim()}`)
  return end
}

function between(from: number | undefined, to: number | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : to - from
}

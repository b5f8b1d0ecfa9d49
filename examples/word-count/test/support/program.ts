import { type ChildProcess, spawn } from 'node:child_process'
import { inject } from 'vitest'

const program = [inject('wordCount')]

export interface ProgramOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Limits that the shell sets before it starts the program, such as `ulimit -f 100`. */
  readonly limits?: string
}

export interface Ended {
  /** -1 when a signal ended it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The program in a process of its own. It is killed if a test forgets it. */
export class Program implements Disposable {
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess
  #stderr = ''
  #told: () => void = () => undefined

  constructor(args: readonly string[], { cwd, env = {}, limits }: ProgramOptions = {}) {
    const command = [process.execPath, ...program, ...args]
    const options = {
      cwd,
      env: { ...process.env, UV_THREADPOOL_SIZE: '8', ...env },
      stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
    }
    const child =
      limits === undefined
        ? spawn(process.execPath, command.slice(1), options)
        : spawn('sh', ['-c', `${limits} && exec "$@"`, 'sh', ...command], options)
    this.#child = child
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      this.#told()
    })
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr: this.#stderr }))
    })
  }

  /** Resolves once the program has said this on standard error, or has ended. */
  async says(text: string): Promise<void> {
    while (!this.#stderr.includes(text) && this.#child.exitCode === null && this.#child.signalCode === null) {
      const more = new Promise<void>((resolve) => {
        this.#told = resolve
      })
      await Promise.race([more, this.ended])
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  [Symbol.dispose](): void {
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL')
  }
}

/** Runs the program to its end. */
export async function run(args: readonly string[], options?: ProgramOptions): Promise<Ended> {
  using program = new Program(args, options)
  return await program.ended
}

export interface Answer {
  readonly lines: number
  readonly words: number
  readonly batches: number
  readonly seconds: number
  readonly counts: Readonly<Record<string, number>>
}

/** Runs the program with `--json`, expects it to succeed, and returns what it says. */
export async function answer(args: readonly string[], options?: ProgramOptions): Promise<Answer> {
  const { code, stdout, stderr } = await run([...args, '--json'], options)
  if (code !== 0) throw new Error(`The program ended with code ${code}: ${stderr}`)
  return JSON.parse(stdout) as Answer
}

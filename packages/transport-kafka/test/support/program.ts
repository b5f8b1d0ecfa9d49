import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../programs', import.meta.url))

/** A program of `test/programs` in a process of its own, which is killed when it is disposed of. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  readonly lines: string[] = []

  constructor(name: string, ...parameters: readonly string[]) {
    const stdio = ['pipe', 'pipe', 'inherit'] as const
    const asSources = ['--conditions', '@millrace/source', '--import', import.meta.resolve('tsx')]
    const program = [`${folder}/run-typescript.mjs`, `${folder}/${name}.ts`]
    this.#child = spawn(process.execPath, [...asSources, ...program, ...parameters], { stdio: [...stdio] })
    this.#ended = once(this.#child, 'exit')
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => this.lines.push(line))
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends its input. */
  end(): void {
    this.#child.stdin?.end()
  }

  /** Its exit code; null if it was killed. */
  async exit(): Promise<number | null> {
    await this.#ended
    return this.#child.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const tsx = fileURLToPath(new URL('../../../../node_modules/tsx/dist/loader.mjs', import.meta.url))

/** The command from the sources, in a process of its own, which is gone when the test ends. */
export function startCommand(
  args: readonly string[],
  { folder, variables = {} }: { readonly folder: string; readonly variables?: Readonly<Record<string, string>> },
): CommandProcess {
  const child = spawn(process.execPath, ['--conditions=@millrace/source', '--import', tsx, main, ...args], {
    cwd: folder,
    env: { ...process.env, ...variables },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return new CommandProcess(child)
}

/** A command that runs. */
export class CommandProcess {
  readonly ended: Promise<number | null>
  readonly #child: ChildProcess
  #stdout = ''
  #stderr = ''

  constructor(child: ChildProcess) {
    this.#child = child
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    this.ended = once(child, 'close').then(([code]) => code as number | null)
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  /** The events that `--json` wrote so far. */
  get events(): readonly { readonly event: string; readonly instance: number; readonly pid?: number; readonly code?: number | null }[] {
    const lines = this.#stdout.split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as CommandProcess['events'][number])
  }

  /** Types. */
  write(text: string): void {
    this.#child.stdin?.write(text)
  }

  /** Reads no more, as `head` does. */
  closeStdout(): void {
    this.#child.stdout?.destroy()
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }
}

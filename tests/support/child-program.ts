import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { inject } from 'vitest'

export interface ChildOptions {
  /** Variables of the environment besides our own. */
  readonly env?: Readonly<Record<string, string>>
  /** No file of the process can grow larger: whatever would is refused (`EFBIG`), as by a disk that is full. Default: no limit. */
  readonly maxFileKilobytes?: number
  /** Where the program is, as JavaScript. Default: where all of them are made once for a run. */
  readonly folder?: string
}

/** A program of `tests/programs` in a process of its own, which tells what it does; it is killed when it is disposed of. */
export class ChildProgram<Message> implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #exit: Promise<unknown>
  readonly #listeners = new Set<() => void>()
  #ended = false

  constructor(name: string, config: unknown, onMessage: (message: Message) => void, options: ChildOptions = {}) {
    const { env = {}, maxFileKilobytes, folder = inject('testPrograms') } = options
    const program = join(folder, `${name}.mjs`)
    this.#child = fork(program, [JSON.stringify(config)], {
      ...started(['--enable-source-maps'], maxFileKilobytes),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...env },
    })
    // Its last messages may arrive after its end.
    this.#exit = Promise.all([once(this.#child, 'exit'), once(this.#child, 'disconnect')]).then(() => {
      this.#ended = true
      this.#tell()
    })
    this.#child.on('message', (message: Message) => {
      onMessage(message)
      this.#tell()
    })
  }

  get hasEnded(): boolean {
    return this.#ended
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  send(message: object): void {
    // Who has just ended is told of by its end.
    this.#child.send(message, () => undefined)
  }

  /** Resolves as soon as the condition holds; rejects if the process ends before. */
  async until(condition: (program: this) => boolean): Promise<void> {
    while (!condition(this)) {
      if (this.#ended) throw new Error(`the process ended before (${this.#child.exitCode ?? this.#child.signalCode})`)
      await new Promise<void>((resolve) => this.#listeners.add(resolve))
    }
  }

  /** Its exit code; null if a signal ended it. */
  async exit(): Promise<number | null> {
    await this.#exit
    return this.#child.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exit
  }

  #tell(): void {
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener()
  }
}

/** How Node is started: by a shell, which alone can set limits, where there is one to set. */
function started(execArgv: string[], maxFileKilobytes: number | undefined): { execPath?: string; execArgv: string[] } {
  if (maxFileKilobytes === undefined) return { execArgv }
  // Node ignores the signal that comes with the limit, so that the write itself fails. Other shells count in other units.
  const script = `ulimit -f ${maxFileKilobytes} && exec "$0" "$@"`
  return { execPath: 'bash', execArgv: ['-c', script, process.execPath, ...execArgv] }
}

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { RuntimeEvent } from 'millrace'
import type { MemberConfig, MemberMessage, MemberRequest } from './member-messages.ts'

const program = fileURLToPath(new URL('../programs/word-count-member.ts', import.meta.url))
const execArgv = ['--conditions=@millrace/source', '--import', 'tsx']

/** A member of a group in a process of its own, which is killed when it is disposed of. */
export class Member implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #exit: Promise<unknown>
  readonly #listeners = new Set<() => void>()
  readonly events: RuntimeEvent[] = []
  #answers = new Map<number, string | undefined>()
  #asked = 0
  #exited = false

  constructor(config: MemberConfig) {
    this.#child = fork(program, [JSON.stringify(config)], { execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#exit = once(this.#child, 'exit').then(() => {
      this.#exited = true
      this.#tell()
    })
    this.#child.on('message', (message: MemberMessage) => {
      if (message.type === 'event') this.events.push(message.event)
      else this.#answers.set(message.id, message.error)
      this.#tell()
    })
  }

  /** How many commits it has made. */
  get commits(): number {
    return this.events.filter(({ type }) => type === 'commit').length
  }

  /** Whether it has ended, by itself or not. */
  get exited(): boolean {
    return this.#exited
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Resolves as soon as the condition holds; rejects if the process ends before. */
  async until(condition: (member: this) => boolean): Promise<void> {
    while (!condition(this)) {
      if (this.#exited) throw new Error(`the process ended before (${this.#child.exitCode ?? this.#child.signalCode})`)
      await new Promise<void>((resolve) => this.#listeners.add(resolve))
    }
  }

  /** Resolves when it has done what it is asked to. */
  async ask(what: MemberRequest['ask']): Promise<void> {
    const id = ++this.#asked
    this.#child.send({ id, ask: what } satisfies MemberRequest)
    await this.until(() => this.#answers.has(id))
    const error = this.#answers.get(id)
    if (error !== undefined) throw new Error(`the member could not do '${what}': ${error}`)
  }

  /** Its exit code; null if a signal ended it. */
  async exit(): Promise<number | null> {
    await this.#exit
    return this.#child.exitCode
  }

  /** Closes the application and waits for the end of the process. */
  async close(): Promise<number | null> {
    await this.ask('close')
    return this.exit()
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

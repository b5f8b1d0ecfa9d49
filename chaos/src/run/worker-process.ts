import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { NO_BROKER, NOT_COMMITTED, type WorkerConfig, type WorkerMessage, type WorkerRequest } from '../worker/messages.ts'

const PROGRAM = fileURLToPath(new URL('../worker/worker.js', import.meta.url))

export interface WorkerTold {
  readonly onMessage: (message: WorkerMessage) => void
  /** It could not start because no broker answered. */
  readonly onNoBroker: () => void
  /** It ended otherwise, though nobody wanted it to. */
  readonly onUnasked: (how: string) => void
}

/** A worker was closed, and its last commit was not confirmed in time. Right where the broker was away, and nowhere else. */
export class LastCommitLate extends Error {}

/** A worker in a process of its own. */
export class WorkerProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #answers = new Map<WorkerRequest, (answer: WorkerMessage & { type: 'answer' }) => void>()
  #asked = false
  /** Whether it stands still. */
  paused = false

  /** `log`: a file descriptor for what it says. */
  constructor(config: WorkerConfig, log: number, { onMessage, onNoBroker, onUnasked }: WorkerTold) {
    this.#child = fork(PROGRAM, [JSON.stringify(config)], { stdio: ['ignore', 'ignore', log, 'ipc'] })
    this.#ended = once(this.#child, 'exit').then(() => {
      if (!this.#asked && this.#child.exitCode === NO_BROKER) onNoBroker()
      else if (!this.#asked) onUnasked(howEnded(this.#child))
      for (const answer of this.#answers.values()) answer({ type: 'answer', to: 'close', error: 'the worker has ended' })
    })
    this.#child.on('message', (message: WorkerMessage) => {
      if (message.type === 'answer') this.#answers.get(message.to)?.(message)
      else onMessage(message)
    })
  }

  async kill(): Promise<void> {
    this.#asked = true
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  pause(): void {
    this.paused = true
    this.#child.kill('SIGSTOP')
  }

  goOn(): void {
    this.paused = false
    this.#child.kill('SIGCONT')
  }

  /** Rejects with what the worker answers if it can't. */
  async ask(what: WorkerRequest): Promise<WorkerMessage & { type: 'answer' }> {
    const answer = await new Promise<WorkerMessage & { type: 'answer' }>((resolve) => {
      this.#answers.set(what, resolve)
      this.#child.send(what, () => undefined)
    })
    this.#answers.delete(what)
    if (answer.error !== undefined) throw new Error(`A worker could not do '${what}': ${answer.error}`)
    return answer
  }

  /** In order: it finishes what it has begun. Rejects if it ends otherwise, with {@link LastCommitLate} if only its last commit came too late. */
  async close(): Promise<void> {
    this.#asked = true
    this.#child.send('close' satisfies WorkerRequest, () => undefined)
    await this.#ended
    if (this.#child.exitCode === NOT_COMMITTED) throw new LastCommitLate('The last commit of a worker that was to close was not confirmed.')
    if (this.#child.exitCode !== 0 && this.#child.exitCode !== NO_BROKER)
      throw new Error(`A worker that was to close ended with ${howEnded(this.#child)}.`)
  }
}

function howEnded({ signalCode, exitCode }: ChildProcess): string {
  return signalCode ?? `exit code ${exitCode}`
}

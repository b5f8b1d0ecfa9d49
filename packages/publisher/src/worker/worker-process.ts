import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { FromWorker, StartMessage, ToWorker } from './messages.ts'

// Beside this file, in the language that this one is in.
const MAIN = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './worker-main.ts' : './worker-main.js', import.meta.url))

export interface WorkerProcessEvents {
  readonly onMessage: (message: FromWorker) => void
  /** It is gone: it ended, was killed, or could not be started. Called once. */
  readonly onGone: (why: string) => void
}

/** The process that sends. */
export class WorkerProcess {
  readonly #child: ChildProcess
  #gone = false
  readonly #ended: Promise<void>

  constructor(start: StartMessage, execArgv: readonly string[] | undefined, { onMessage, onGone }: WorkerProcessEvents) {
    this.#child = fork(MAIN, [], { serialization: 'advanced', ...(execArgv !== undefined && { execArgv: [...execArgv] }) })
    this.#ended = new Promise((resolve) => {
      const gone = (why: string) => {
        resolve()
        if (this.#gone) return
        this.#gone = true
        onGone(why)
      }
      this.#child.once('exit', (code, signal) => gone(signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`))
      this.#child.once('error', (error) => gone(error.message))
    })
    this.#child.on('message', (message) => onMessage(message as FromWorker))
    this.send(start)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  send(message: ToWorker): void {
    // What can't be sent any more is told by its end.
    if (this.#child.connected) this.#child.send(message, () => undefined)
  }

  /** Lets it end, and ends it if it doesn't within the time. */
  async end(limitMs: number): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), limitMs)
    await this.#ended
    clearTimeout(timer)
  }
}

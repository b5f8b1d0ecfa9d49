import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { asError } from '@millrace/core'
import type { FromWorker, StartMessage, ToWorker } from './messages.ts'

// Beside this file, in the language that this one is in.
const MAIN = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './worker-main.ts' : './worker-main.js', import.meta.url))
/** How long what it told before it ended may take to be read, and a process that is killed to end. */
const GONE_MS = 2_000

export interface WorkerProcessOptions {
  readonly start: StartMessage
  readonly execArgv: readonly string[] | undefined
  readonly onMessage: (message: FromWorker) => void
  /** It is gone: it ended, was killed, or could not be started. All that it has told was told before. Called once, never at once. */
  readonly onGone: (why: string) => void
  /** Default: that of Node. */
  readonly fork?: typeof fork
}

/** The process that sends. */
export class WorkerProcess {
  /** Undefined: it could not be started. */
  readonly #child: ChildProcess | undefined
  readonly #onGone: WorkerProcessOptions['onGone']
  #isGone = false
  /** Why it was killed. */
  #reason: string | undefined
  #ended: Promise<unknown> = Promise.resolve()

  constructor({ start, execArgv, onMessage, onGone, fork: forkOne = fork }: WorkerProcessOptions) {
    this.#onGone = onGone
    try {
      this.#child = forkOne(MAIN, [], { serialization: 'advanced', ...(execArgv !== undefined && { execArgv: [...execArgv] }) })
    } catch (error) {
      queueMicrotask(() => this.#gone(notStarted(error)))
      return
    }
    this.#watch(this.#child)
    this.#child.on('message', (message) => onMessage(message as FromWorker))
    this.send(start)
  }

  #watch(child: ChildProcess): void {
    this.#ended = new Promise<void>((resolve) => {
      child.once('exit', (code, signal) => {
        resolve()
        if (this.#isGone) return
        const why = signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`
        // What it told last may not be read yet: its channel is closed behind that.
        const timer = setTimeout(() => this.#gone(why), GONE_MS)
        child.once('close', () => {
          clearTimeout(timer)
          this.#gone(why)
        })
      })
      child.on('error', (error) => {
        if (child.pid !== undefined) return
        resolve()
        this.#gone(notStarted(error))
      })
    })
  }

  #gone(why: string): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#onGone(this.#reason ?? why)
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** What is sent may come to it. */
  get connected(): boolean {
    return this.#child?.connected === true
  }

  send(message: ToWorker): void {
    if (!this.connected) return
    try {
      this.#child?.send(message, (error) => this.#checkSent(error))
    } catch (error) {
      this.#checkSent(asError(error))
    }
  }

  /** One that something can't be sent to would never answer that. */
  #checkSent(error: Error | null): void {
    if (error !== null) this.kill(`nothing can be sent to it: ${error.message}`)
  }

  /** Ends it at once, whatever it does. */
  kill(why: string): void {
    if (this.#isGone || this.#reason !== undefined) return
    this.#reason = why
    this.#child?.kill('SIGKILL')
    setTimeout(() => this.#gone(why), GONE_MS).unref()
  }

  /** Lets it end, and ends it if it doesn't within the time. Nobody is told. */
  async end(limitMs: number): Promise<void> {
    this.#isGone = true
    if (this.connected) this.#child?.disconnect()
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), limitMs)
    await this.#ended
    clearTimeout(timer)
  }
}

function notStarted(error: unknown): string {
  return `it could not be started: ${asError(error).message}`
}

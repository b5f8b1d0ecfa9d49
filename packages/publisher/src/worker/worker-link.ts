import type { Clock, Logger } from '@millrace/core'
import type { PublishError } from '../publish-error.ts'
import { errorOf, type FromWorker, type StartMessage, type ToWorker } from './messages.ts'
import type { SentEvent } from './sent-event.ts'
import { workerDied } from './worker-failures.ts'
import type { ResolvedWorker } from './worker-options.ts'
import { WorkerProcess } from './worker-process.ts'
import { WorkerSilence } from './worker-silence.ts'

/** A worker that loads its modules says nothing meanwhile, and what waits for it has `deliveryTimeoutMs`. */
const STARTING_MS = 60_000
/** How long a worker that is told to end may take. */
export const ENDING_MS = 2_000

export interface WorkerLinkOptions {
  readonly start: StartMessage
  readonly worker: ResolvedWorker
  readonly clock: Clock
  readonly logger: Logger
  readonly clientId: string
  /** Whether something that it has is not settled. */
  readonly isAwaited: () => boolean
  /** It takes events from now on. */
  readonly onReady: () => void
  readonly onMessage: (message: FromWorker) => void
  /** It is gone. `hadBegun`: it took events; else it never will, and `errorFor` says why. */
  readonly onGone: (errorFor: (of: SentEvent | undefined) => PublishError, hadBegun: boolean) => void
}

/** The worker that there is at the moment, if there is one: nothing is handed to it before it is ready, so that what was not is known not to be sent. */
export class WorkerLink {
  readonly #options: WorkerLinkOptions
  #process: WorkerProcess | undefined
  #silence: WorkerSilence | undefined
  #isReady = false

  constructor(options: WorkerLinkOptions) {
    this.#options = options
  }

  /** Whether it takes events. */
  get open(): boolean {
    return this.#isReady && this.#process?.connected === true
  }

  /** Starts one, unless there is one. */
  start(): void {
    if (this.#process !== undefined) return
    const { start, worker, logger, clientId } = this.#options
    this.#isReady = false
    const started = new WorkerProcess({
      start,
      execArgv: worker.execArgv,
      // Of one that was left nothing counts.
      onMessage: (message) => {
        if (this.#process === started) this.#onMessage(message)
      },
      onGone: (why) => {
        if (this.#process === started) this.#onGone(why)
      },
    })
    this.#process = started
    this.#listen(Math.max(STARTING_MS, worker.answerTimeoutMs), () => true)
    if (started.pid !== undefined) logger.info({ pid: started.pid, publisher: clientId }, 'a worker of the publisher was started')
  }

  #listen(limitMs: number, isAwaited: () => boolean): void {
    const { clock } = this.#options
    const onSilent = () => this.#process?.kill(`nothing was heard of it for ${limitMs} ms (worker.answerTimeoutMs)`)
    this.#silence?.end()
    this.#silence = new WorkerSilence({ clock, limitMs, isAwaited, onSilent })
  }

  send(message: ToWorker): void {
    this.#process?.send(message)
  }

  #onMessage(message: FromWorker): void {
    this.#silence?.heard()
    this.#options.onMessage(message)
    const { ready, failed } = message
    if (ready === true) {
      this.#isReady = true
      this.#listen(this.#options.worker.answerTimeoutMs, this.#options.isAwaited)
      this.#options.onReady()
    }
    if (failed === undefined) return
    // The next event tries another.
    void this.end()
    this.#options.onGone((of) => errorOf({ ...failed, eventId: of?.id, eventType: of?.type, topic: of?.topic }), false)
  }

  #onGone(why: string): void {
    const { logger, clientId, onGone } = this.#options
    const hadBegun = this.#isReady
    this.#forget()
    logger.error({ publisher: clientId, why }, 'a worker of the publisher died')
    onGone((of) => workerDied(of, why), hadBegun)
  }

  #forget(): WorkerProcess | undefined {
    const left = this.#process
    this.#process = undefined
    this.#isReady = false
    this.#silence?.end()
    return left
  }

  /** Lets it end, without a word; resolves when it has. */
  async end(): Promise<void> {
    await this.#forget()?.end(ENDING_MS)
  }
}

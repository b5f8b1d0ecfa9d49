import type { Clock } from '@millrace/core'

/** Does something every so often, once at a time: when its time has come while it is under way, it is left out. */
export class NowAndThen {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #work: () => Promise<void>
  #cancel: () => void = () => undefined
  #underWay: Promise<void> | undefined

  /** `work` never rejects. */
  constructor(clock: Clock, intervalMs: number, work: () => Promise<void>) {
    this.#clock = clock
    this.#intervalMs = intervalMs
    this.#work = work
  }

  start(): void {
    this.#cancel = this.#clock.after(this.#intervalMs, () => {
      this.#underWay ??= this.#work().finally(() => {
        this.#underWay = undefined
      })
      this.start()
    })
  }

  /** Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    this.#cancel()
    await this.#underWay
  }
}

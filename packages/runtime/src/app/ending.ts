import { type Deferred, deferred, type Logger } from '@millrace/core'
import type { Lifecycle } from './lifecycle.ts'

export interface EndingOptions {
  readonly life: Lifecycle
  readonly logger: Logger
  /** Finishes what is under way and closes everything, whatever of that fails: resolves to what did. */
  readonly release: () => Promise<unknown[]>
}

/** How an application ends: once, because it is closed or because it can't go on. */
export class Ending {
  readonly #options: EndingOptions
  readonly #ended: Deferred<void> = deferred()
  #closing: Promise<void> | undefined
  #failure: unknown

  constructor(options: EndingOptions) {
    this.#options = options
    // Whoever never calls run() must not be punished with an unhandled rejection.
    this.#ended.promise.catch(() => undefined)
  }

  /** Resolves when it was closed, rejects with what made it impossible to go on. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** Why it can't go on. */
  get failure(): unknown {
    return this.#failure
  }

  /** Whether somebody closes it. */
  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  /** Whether it ends, or has ended, for whatever reason. */
  get hasBegun(): boolean {
    return this.#closing !== undefined || this.#failure !== undefined
  }

  /** Throws if it has ended, or is about to. */
  assertGoingOn(): void {
    const { life } = this.#options
    if (life.state === 'error' || life.state === 'pending-error') throw this.#failure
    if (this.#closing !== undefined || life.state === 'created') throw life.notRunning()
  }

  /** Releases everything; rejects with the first that failed. */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  /** It can't go on: releases everything, and rejects `ended`. Only the first reason counts. */
  fail(error: unknown): void {
    const { life, logger } = this.#options
    if (this.#failure !== undefined || life.state === 'not-running') return
    this.#failure = error
    logger.error({ err: error }, 'the application stops because of an error')
    if (this.#closing !== undefined) return
    life.go('pending-error')
    this.#release()
      .catch((second: unknown) => logger.error({ err: second }, 'stopping was not clean'))
      .finally(() => {
        life.go('error')
        this.#ended.reject(error)
      })
  }

  async #shutDown(): Promise<void> {
    const { life } = this.#options
    if (life.state === 'error' || life.state === 'pending-error') return this.#ended.promise
    life.go('pending-shutdown')
    try {
      await this.#release()
    } catch (error) {
      life.go('pending-error')
      life.go('error')
      this.#ended.reject(error)
      throw error
    }
    life.go('not-running')
    this.#ended.resolve()
  }

  async #release(): Promise<void> {
    const errors = await this.#options.release()
    // What failed while the application was closing has nobody else to tell.
    if (this.#failure !== undefined && this.#closing !== undefined) errors.unshift(this.#failure)
    if (errors.length > 0) throw errors[0]
  }
}

/** Takes one step after the other, whatever fails; resolves to what did. */
export async function allSteps(steps: readonly (() => unknown)[]): Promise<unknown[]> {
  const errors: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      errors.push(error)
    }
  }
  return errors
}

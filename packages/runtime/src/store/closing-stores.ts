import { unlessAborted } from '@millrace/core'

/** Stores that are being closed, by task: a folder is opened again when nobody has it open any more. */
export class ClosingStores {
  readonly #closing = new Map<string, Promise<void>>()

  /** Resolves when those of a task are closed, or `signal` is aborted; undefined if none are being closed. */
  ended(task: string, signal: AbortSignal): Promise<void> | undefined {
    const closing = this.#closing.get(task)
    return closing && unlessAborted(closing, signal)
  }

  /** `closing`: ends when the stores are closed. */
  add(task: string, closing: Promise<void>): void {
    const all: Promise<void> = Promise.allSettled([this.#closing.get(task), closing]).then(() => {
      if (this.#closing.get(task) === all) this.#closing.delete(task)
    })
    this.#closing.set(task, all)
  }
}

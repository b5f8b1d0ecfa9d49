/** Lets one action through at a time, in order of arrival. */
export class Turnstile {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(action: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(action)
    this.#last = result.catch(() => undefined)
    return result
  }
}

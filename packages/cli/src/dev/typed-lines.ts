/** Of what is piped in without an end. */
const MOST_KEPT = 10_000

/** What was typed so far, for when the application begins anew: the last lines of it. */
export class TypedLines {
  readonly #lines: string[] = []

  add(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length >= 2 * MOST_KEPT) this.#lines.splice(0, this.#lines.length - MOST_KEPT)
  }

  get kept(): readonly string[] {
    return this.#lines.slice(-MOST_KEPT)
  }
}

/** Random numbers, the same ones for the same seed. */
export class Random {
  readonly seed: number
  #state: number

  /** `MILLRACE_SEED` in the environment repeats those of another run. */
  constructor(seed: number = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 1_000_000))) {
    this.seed = seed
    this.#state = seed
  }

  /** A whole number from 0 on. (Mulberry32.) */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
}

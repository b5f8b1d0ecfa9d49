import { WrongResult } from '../kafka/check/wrong-result.ts'
import { keyOf } from './client-config.ts'

/** Sees that a client has read every record once, each partition in order, with the right key: cheap enough to be timed with it. */
export class ReadCheck {
  readonly #next: number[]
  #digest = 0

  constructor(partitions: number) {
    this.#next = new Array<number>(partitions).fill(0)
  }

  key(key: string): void {
    this.#digest += digestOf(key)
  }

  /** Records with consecutive offsets, of which the last one is told, too, as the client says it. Throws where any is missing or there twice. */
  offsets(partition: number, first: number, last: number): void {
    if (first !== this.#next[partition]) throw wrong(`partition ${partition} goes on at ${first} instead of ${this.#next[partition]}`)
    this.#next[partition] = last + 1
  }

  /** Throws if it was not all of them. */
  finish(records: number): void {
    const read = this.#next.reduce((sum, next) => sum + next, 0)
    if (read !== records) throw wrong(`${read} records instead of ${records}`)
    let expected = 0
    for (let i = 0; i < records; i++) expected += digestOf(keyOf(i))
    if (this.#digest !== expected) throw wrong('keys are others than those that were written')
  }
}

/** Of keys that differ, sums of these differ, mostly. */
function digestOf(key: string): number {
  const { length } = key
  return length + key.charCodeAt(length - 1) * 31 + key.charCodeAt(length - 2)
}

function wrong(what: string): WrongResult {
  return new WrongResult('What was read', what)
}

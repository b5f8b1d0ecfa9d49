import type { RuntimeEvent } from 'millrace'

/** What the engine has said it did in this run. What is done again after a failure is counted again. */
export class Tally {
  readonly #inputTopic: string
  lines = 0
  /** Of the lines, without their ends. */
  lineBytes = 0
  /** Words found in lines so far. */
  found = 0
  /** Words counted so far. */
  words = 0
  batches = 0

  constructor(inputTopic: string) {
    this.#inputTopic = inputTopic
  }

  /** Records taken through the two halves of the topology: lines, then words. */
  get records(): number {
    return this.lines + this.words
  }

  readonly observe = (event: RuntimeEvent): void => {
    if (event.type === 'cut') {
      this.batches++
      if (event.topic === this.#inputTopic) {
        this.lines += event.records
        this.lineBytes += event.bytes
      } else this.words += event.records
    } else if (event.type === 'batch' && event.stage === 'sink' && event.topic === this.#inputTopic) this.found += event.records
  }
}

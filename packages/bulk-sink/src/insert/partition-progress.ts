/** How many settled slots are kept before they are dropped together. */
const KEPT = 1_024
/** How many records may be done that come after one which is not: they take memory each, and a restart repeats them all. */
const MOST_AHEAD = 100_000

/** Which records of a partition have rows that are not stored yet: its offset waits for all rows of a record, in all tables. */
export class PartitionProgress {
  readonly topic: string
  readonly partition: number
  /** Where reading began. */
  readonly start: number
  /** Its task is over: nothing of it is to be written any more. */
  closed = false
  /** How many of its rows are in memory, by table. */
  readonly holds = new Map<string, number>()
  #offsets: number[] = []
  #left: number[] = []
  #base = 0
  #head = 0
  #ahead = 0
  #last: number

  /** `offset`: where reading begins. */
  constructor(topic: string, partition: number, offset: number) {
    this.topic = topic
    this.partition = partition
    this.start = offset
    this.#last = offset
  }

  /** A record with so many rows, in the order of offsets; returns what they are settled by. */
  stage(offset: number, rows: number): number {
    // What a punctuator put out belongs to what came last.
    const own = offset < 0 ? this.#last : offset
    this.#last = Math.max(this.#last, own)
    this.#offsets.push(own)
    this.#left.push(rows)
    return this.#base + this.#offsets.length - 1
  }

  /** One row of a record is stored, or given up. */
  settle(slot: number): void {
    const left = (this.#left[slot - this.#base] as number) - 1
    this.#left[slot - this.#base] = left
    if (left === 0) this.#ahead++
    while (this.#head < this.#left.length && this.#left[this.#head] === 0) {
      this.#head++
      this.#ahead--
    }
    if (this.#head < KEPT && this.#head < this.#left.length) return
    this.#offsets.splice(0, this.#head)
    this.#left.splice(0, this.#head)
    this.#base += this.#head
    this.#head = 0
  }

  /** Whether it has got so far beyond its first record that is not done that it is to wait for that. */
  get farAhead(): boolean {
    return this.#ahead >= MOST_AHEAD
  }

  /** Offset of the first record with rows that are not stored; undefined: there is none. */
  get lowest(): number | undefined {
    return this.#offsets[this.#head]
  }
}

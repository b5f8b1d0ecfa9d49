import type { PunctuationType, Punctuator } from '@millrace/core'

/** One schedule of one node. */
export interface Punctuation {
  readonly node: string
  readonly type: PunctuationType
  readonly everyMs: number
  readonly punctuator: Punctuator
  /** When it fires next. */
  due: number
}

/**
 * What the nodes of one task have scheduled. Stream time is aligned to multiples of the interval and fires as soon as there is data;
 * wall-clock time counts from when it was scheduled. Intervals that were missed are made up by one call (as in Kafka Streams'
 * `PunctuationSchedule`).
 */
export class Punctuations {
  /** Replaced, never changed: what it was can be kept. */
  #all: ReadonlySet<Punctuation> = new Set()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  schedule(node: string, everyMs: number, type: PunctuationType, punctuator: Punctuator): () => void {
    if (!Number.isFinite(everyMs) || everyMs < 1) {
      throw new TypeError(`Node '${node}': a punctuator can't be scheduled every ${everyMs} ms; use at least 1.`)
    }
    const due = type === 'wall-clock' ? this.#now() + everyMs : 0
    const punctuation: Punctuation = { node, type, everyMs, punctuator, due }
    this.#all = new Set(this.#all).add(punctuation)
    return () => {
      this.#all = new Set([...this.#all].filter((other) => other !== punctuation))
    }
  }

  /** What is scheduled now, for {@link restore}. */
  get scheduled(): ReadonlySet<Punctuation> {
    return this.#all
  }

  /** An attempt failed: what it has scheduled or cancelled is as it was before. */
  restore(scheduled: ReadonlySet<Punctuation>): void {
    this.#all = scheduled
  }

  /** When the next one of this type is due; Infinity if none is scheduled. */
  nextDue(type: PunctuationType): number {
    let next = Infinity
    for (const punctuation of this.#all) {
      if (punctuation.type === type && punctuation.due < next) next = punctuation.due
    }
    return next
  }

  /** The one that has waited longest, if any is due at `time`. */
  takeDue(type: PunctuationType, time: number): Punctuation | undefined {
    let first: Punctuation | undefined
    for (const punctuation of this.#all) {
      if (punctuation.type !== type || punctuation.due > time) continue
      if (first === undefined || punctuation.due < first.due) first = punctuation
    }
    if (first !== undefined) first.due = nextAfter(first.due, first.everyMs, time)
    return first
  }

  clear(): void {
    this.#all = new Set()
  }
}

function nextAfter(due: number, everyMs: number, time: number): number {
  const missed = Math.floor((time - due) / everyMs)
  return due + (missed + 1) * everyMs
}

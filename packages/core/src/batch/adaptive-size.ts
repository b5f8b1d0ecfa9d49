/** What an adaptive batch size aims at. */
export interface AdaptiveTarget {
  /** How long the slowest twentieth of batches may take, in milliseconds (their 95th percentile). */
  readonly targetLatencyMs: number
  /** Records in a batch, at least. */
  readonly minSize: number
  /** Records in a batch, at most. */
  readonly maxSize: number
}

/** What became of one batch. */
export interface BatchObservation {
  readonly records: number
  /** From the moment when the processor was given it to its end. */
  readonly durationMs: number
  /** Of its records. Default: 0. */
  readonly failed?: number | undefined
  /** What is written to had no room meanwhile. Default: false. */
  readonly pushedBack?: boolean | undefined
  /** Records that arrive a millisecond, as far as known. Default: unknown. */
  readonly arrivalsPerMs?: number | undefined
}

/** What is known of a processor's speed, and the size that follows from it. */
export interface AdaptiveSize {
  /** Of the next batch, in records. */
  readonly size: number
  /** The size above which the target was missed last; Infinity: none yet. */
  readonly ceiling: number
  /** The last batches, the newest last. */
  readonly last: readonly Took[]
  /** A mean of the share of records that failed, in which the last batches count most. */
  readonly failing: number
}

interface Took {
  readonly records: number
  readonly durationMs: number
}

/** So many batches tell the 95th percentile. */
const WINDOW = 40
/** How much of the target is aimed at: the rest is for what the next batch may take longer. */
const AIM = 0.9
/** By how much of the ceiling a batch may be larger than the one before; where there is none, twice as large. */
const STEP = 0.1
/** How much of what is known of failures the last batch is. */
const NEWS = 0.2
/** By how much the share of failures may grow with one batch. */
const TOLERATED = 0.05

/** Nothing is known yet: begins with the smallest size. */
export function initialAdaptiveSize({ minSize }: AdaptiveTarget): AdaptiveSize {
  return { size: minSize, ceiling: Infinity, last: [], failing: 0 }
}

/**
 * The size of the next batch: more by a step while the slowest twentieth of batches of that size would be in time, half when one of this size is
 * not. Also half when a growing share of records fails, or when what is written to pushes back. Never more than arrives within the target. Pure.
 * After AIMD, as congestion is avoided in TCP (RFC 5681), with a ceiling that is remembered so that it is not overstepped again and again.
 */
export function adaptSize(target: AdaptiveTarget, before: AdaptiveSize, batch: BatchObservation): AdaptiveSize {
  const { records, durationMs, failed = 0, pushedBack = false, arrivalsPerMs } = batch
  if (records === 0) return before
  const last = [...before.last.slice(1 - WINDOW), { records, durationMs }]
  const share = failed / records
  const failing = before.failing + NEWS * (share - before.failing)
  const slowest = slowestOf(last, before.size)
  const fitting = Math.floor((target.targetLatencyMs * AIM) / slowest)
  const over = before.size * slowest > target.targetLatencyMs && records >= before.size / 2
  if (over || pushedBack || share > before.failing + TOLERATED) {
    return { size: within(target, Math.floor(before.size / 2)), ceiling: over ? before.size : before.ceiling, last, failing }
  }
  // A batch that was not full says little of larger ones.
  const ceiling = before.size >= before.ceiling ? Infinity : before.ceiling
  const step = Math.max(1, Math.ceil(ceiling === Infinity ? before.size : ceiling * STEP))
  const grown = records < before.size ? before.size : Math.min(before.size + step, Math.max(before.size, fitting))
  const arriving = arrivalsPerMs === undefined ? Infinity : Math.max(1, Math.ceil(arrivalsPerMs * target.targetLatencyMs))
  return { size: within(target, Math.min(grown, arriving)), ceiling, last, failing }
}

/** Milliseconds a record, the 95th percentile of batches that were not much smaller: what a batch costs as such is a part of them. */
function slowestOf(last: readonly Took[], size: number): number {
  const similar = last.filter(({ records }) => records >= size / 2)
  const sorted = (similar.length === 0 ? last.slice(-1) : similar)
    .map(({ records, durationMs }) => durationMs / records)
    .toSorted((a, b) => a - b)
  return Math.max(Number.MIN_VALUE, sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.95))] as number)
}

function within({ minSize, maxSize }: AdaptiveTarget, size: number): number {
  return Math.min(maxSize, Math.max(minSize, size))
}

import { learnOverhead, type Overhead, type Took, UNKNOWN_OVERHEAD } from './batch-overhead.ts'

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
  /** Of its records: those that were part of an attempt that failed, done later or not. Default: 0. */
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
  /** The last batches, the newest last: none from before the processor became another. */
  readonly last: readonly Past[]
  readonly overhead: Overhead
  readonly ceiling: Ceiling
  /** Whether the last batch was late. */
  readonly late: boolean
  /** A mean of the share of records that failed, in which the last batches count most. */
  readonly failing: number
}

interface Past extends Took {
  /** Whether it clearly missed the target. */
  readonly late: boolean
}

/** A size that was too much. */
interface Ceiling {
  /** Infinity: none yet. */
  readonly size: number
  /** For so many batches it is not tried again. */
  readonly batches: number
}

const NO_CEILING: Ceiling = { size: Infinity, batches: 0 }
/** So many batches tell the 95th percentile. */
const WINDOW = 60
/** The processor has become faster once so many batches in a row are faster than half of those before: by chance that is 1 in a million. */
const FASTER = 20
/** A batch is late that takes so many times the target. What is between the two is corrected by what is known, without halving. */
const LATE = 1.1
/** By how much of what fits a batch may be larger than the one before; where twice as much fits, it may be twice as large. */
const STEP = 0.1
/** What a batch costs as such is taken to be as much as so many times its records, at least and at most: what few batches tell may be far off. */
const OVERHEAD = { least: 0.5, most: 10 }
/** So much of a record is an error of floating-point numbers. */
const ROUNDING = 1e-6
/** How much of what is known of failures the last batch is. */
const NEWS = 0.2
/** By how much the share of failures may grow with one batch. */
const TOLERATED = 0.05

/** Nothing is known yet: begins with the smallest size. */
export function initialAdaptiveSize({ minSize }: AdaptiveTarget): AdaptiveSize {
  return { size: minSize, last: [], overhead: UNKNOWN_OVERHEAD, ceiling: NO_CEILING, late: false, failing: 0 }
}

/** The same processor with another target: what is known of it stays. */
export function retargetAdaptiveSize(target: AdaptiveTarget, { size, last, overhead, failing }: AdaptiveSize): AdaptiveSize {
  return { ...initialAdaptiveSize(target), size: within(target, size), last, overhead, failing }
}

/**
 * The size of the next batch: the largest of which the slowest twentieth would be in time, by what the last batches took. It is approached by steps, and
 * a size that was too much by smaller ones. Half when two batches in a row are late, when a growing share of records fails, or when what is
 * written to pushes back. Never more than arrives within the target. Pure.
 * After AIMD, as congestion is avoided in TCP (RFC 5681), with a model of the processor: so its limit need not be overstepped again and again.
 */
export function adaptSize(target: AdaptiveTarget, before: AdaptiveSize, batch: BatchObservation): AdaptiveSize {
  const { records, durationMs, failed = 0, pushedBack = false, arrivalsPerMs } = batch
  if (records === 0) return before
  const share = failed / records
  const failing = before.failing + NEWS * (share - before.failing)
  const late = durationMs > target.targetLatencyMs * LATE
  const took = { records, durationMs, late }
  // A batch that was not full says little of larger ones, but that they are late if it is.
  const telling = late || records >= before.size / 2
  const known = telling ? learn(before, took) : { ...before, late }
  const half = Math.floor(before.size / 2)
  // Twice in a row is no accident.
  const slower = late && before.late
  if (slower || pushedBack || share > before.failing + TOLERATED) return { ...known, size: within(target, half), failing }
  const next = telling ? Math.max(half, nextSize(target, known, took)) : before.size
  // Rounding must not make one more of what arrives.
  const arriving = arrivalsPerMs === undefined ? Infinity : Math.max(1, Math.ceil(arrivalsPerMs * target.targetLatencyMs - ROUNDING))
  return { ...known, size: within(target, Math.min(next, arriving)), failing }
}

/** What is known with one more batch. What follows of it for the size is not decided yet. */
function learn(before: AdaptiveSize, took: Past): AdaptiveSize {
  const { late } = took
  // The processor has become slower: what was before tells nothing of it.
  if (late && before.late) return { ...before, last: [], overhead: UNKNOWN_OVERHEAD }
  const last = [...before.last.slice(1 - WINDOW), took]
  const known = { ...before, last, overhead: learnOverhead(last, before.overhead), ceiling: ceilingOf(before, took), late }
  const older = costs(last.slice(0, -FASTER), overheadOf(known))
  if (older.length < FASTER || Math.max(...costs(last.slice(-FASTER), overheadOf(known))) >= quantile(older, 0.5)) return known
  const since = last.slice(-FASTER)
  return { ...known, last: since, overhead: learnOverhead(since, { ...known.overhead, spread: 0 }), ceiling: NO_CEILING }
}

function ceilingOf({ last, ceiling }: AdaptiveSize, { records, late }: Past): Ceiling {
  // One batch may be late by accident: a size is too much where none so large is in time.
  if (late && last.every((took) => took.records < records || took.late)) return { size: records, batches: WINDOW }
  if (!late && records >= ceiling.size) return NO_CEILING
  return ceiling.batches === 0 ? ceiling : { ...ceiling, batches: ceiling.batches - 1 }
}

function nextSize(target: AdaptiveTarget, known: AdaptiveSize, { records, durationMs }: Took): number {
  const { size, overhead, ceiling } = known
  // What a larger batch costs is known from one: it is tried.
  const untried = overhead.records === undefined && durationMs <= target.targetLatencyMs
  const most = ceiling.batches === 0 ? ceiling.size : Math.floor(ceiling.size / (1 + STEP))
  const fitting = Math.min(most, untried ? 2 * size : fittingSize(target, known, overheadOf(known)))
  if (fitting < size) return Math.min(most, size, Math.max(fitting, fittingSize(target, known, OVERHEAD.least * size)))
  if (records < size) return size
  return fitting >= 2 * size ? 2 * size : Math.min(fitting, size + Math.max(1, Math.ceil(fitting * STEP)))
}

/** The largest size of which the slowest twentieth would be in time, if a batch costs as much as `overhead` records more. */
function fittingSize({ targetLatencyMs }: AdaptiveTarget, { size, last }: AdaptiveSize, overhead: number): number {
  const similar = last.filter((took) => took.records >= size / 2)
  const slowest = quantile(costs(similar.length === 0 ? last.slice(-1) : similar, overhead), 0.95)
  // Rounding must not make one less of a size that fits exactly.
  return Math.floor(targetLatencyMs / slowest - overhead + ROUNDING)
}

/** Milliseconds a record. */
function costs(batches: readonly Took[], overhead: number): number[] {
  return batches.map(({ records, durationMs }) => durationMs / (overhead + records))
}

function overheadOf({ size, overhead }: AdaptiveSize): number {
  return Math.min(OVERHEAD.most * size, Math.max(OVERHEAD.least * size, overhead.records ?? 0))
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] as number
}

function within({ minSize, maxSize }: AdaptiveTarget, size: number): number {
  return Math.min(maxSize, Math.max(minSize, size))
}

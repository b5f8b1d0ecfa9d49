import { type BatchTrigger, decideCut, fits, fitting } from '@millrace/core'
import type { PartitionQueue } from '../source/partition-queue.ts'

/** The records that make the next pass: the first `count` of `queue`. */
export interface Formed {
  readonly queue: PartitionQueue
  readonly count: number
  readonly trigger: BatchTrigger
}

export interface FormingState {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly streamTime: number
  /** When the next stream-time punctuator is due; Infinity if none is. */
  readonly punctuateAt: number
  /** Set while the task is finishing: what is there is cut without waiting. */
  readonly finishing: 'drain' | 'revoke' | undefined
  /** Reading stands still until something is processed: no task may wait for more. Default: false. */
  readonly stalled?: boolean | undefined
  readonly maxTaskIdleMs: number
  /** Since when the task has had records of some but not all of its partitions. */
  readonly waitingSince: number | undefined
}

/** A pass, or how long to wait for one (`undefined`: until something arrives). `blocked`: some partition has records but another must be waited for. */
export type Forming = Formed | { readonly waitMs: number | undefined; readonly blocked: boolean }

/**
 * Chooses the next batch of a task. With several partitions the next record is the one with the lowest timestamp among their heads (ties: the
 * first partition in the given order), and a batch is the run of records chosen from one before another takes over.
 */
export function formBatch(queues: readonly PartitionQueue[], state: FormingState): Forming {
  const waitMs = state.finishing === undefined && queues.length > 1 ? waitForOthers(queues, state) : 0
  if (waitMs !== 0) return { waitMs, blocked: true }
  const queue = queues.length === 1 ? queues[0] : lowestHead(queues)
  if (queue === undefined || queue.length === 0) return { waitMs: undefined, blocked: false }
  const { limits } = queue.sizer
  const most = fitting(queue, limits)
  const run = runLength(queue, queues, fits(most), state)
  if (run.trigger !== undefined) return { queue, count: run.count, trigger: run.trigger }
  const decision = decideCut(limits, {
    records: queue.length,
    bytes: queue.bytes,
    memoryBytes: queue.memoryBytes,
    ...most,
    firstArrivedAt: queue.firstArrivedAt,
    now: state.now,
    finishing: state.finishing,
    memorySpent: state.stalled === true || queue.paused,
  })
  return decision.cut
    ? { queue, count: Math.min(decision.take, run.count), trigger: decision.trigger }
    : { waitMs: decision.waitMs, blocked: false }
}

/** The batches of a queue that are there already, whole, one after the other: the one that was formed, and others, `most` together. */
export function windowOf({ queue, count, trigger }: Formed, most: number): Formed[] {
  const window = [{ queue, count, trigger }]
  let taken = count
  let last: BatchTrigger | undefined = trigger
  while (window.length < most && (last === 'records' || last === 'bytes') && taken < queue.length) {
    const { limits } = queue.sizer
    const room = fitting(queue, limits, taken)
    const next = fits(room)
    last = next === limits.size ? 'records' : next < queue.length - taken && room.recordsWithinBytes === next ? 'bytes' : undefined
    if (last === undefined || queue.countGood(taken + next) < taken + next) break
    window.push({ queue, count: next, trigger: last })
    taken += next
  }
  return window
}

/** How many records the next batch of a queue may have. */
export function mostRecords(queue: PartitionQueue): number {
  return fits(fitting(queue, queue.sizer.limits))
}

/** How long records must wait because a partition without any may be behind: 0 not at all, undefined until something arrives. */
function waitForOthers(queues: readonly PartitionQueue[], state: FormingState): number | undefined {
  const { maxTaskIdleMs } = state
  if (maxTaskIdleMs < 0 || queues.every((queue) => queue.length === 0)) return 0
  let left = 0
  for (const queue of queues) {
    if (queue.length > 0) continue
    if (!queue.atEnd) return undefined
    left = maxTaskIdleMs
  }
  return left === 0 ? 0 : Math.max(0, left - (state.now - (state.waitingSince ?? state.now)))
}

function lowestHead(queues: readonly PartitionQueue[]): PartitionQueue | undefined {
  let lowest: PartitionQueue | undefined
  for (const queue of queues) {
    if (queue.length > 0 && (lowest === undefined || queue.firstTimestamp < lowest.firstTimestamp)) lowest = queue
  }
  return lowest
}

/** How far the run of `queue` goes, and why it ends there: undefined when it is only limited by what has arrived. */
function runLength(
  queue: PartitionQueue,
  queues: readonly PartitionQueue[],
  limit: number,
  state: FormingState,
): { count: number; trigger: BatchTrigger | undefined } {
  let count = queue.countGood(limit)
  // Before a record that can't be processed the batch ends at once: it is dealt with alone.
  let trigger: BatchTrigger | undefined = count < limit ? 'demand' : undefined
  const rival = nextHead(queue, queues)
  if (rival !== undefined) {
    const { timestamp, winsTies } = rival
    const turn = queue.countUntil(count, (own) => (winsTies ? own >= timestamp : own > timestamp))
    if (turn < count) {
      count = turn
      trigger = 'order'
    }
  }
  if (state.punctuateAt < Infinity) {
    const before = state.streamTime >= state.punctuateAt ? 0 : queue.countUntil(count, (own) => own >= state.punctuateAt)
    if (before < count) {
      count = before + 1
      trigger = 'punctuate'
    }
  }
  return { count, trigger }
}

function nextHead(queue: PartitionQueue, queues: readonly PartitionQueue[]): { timestamp: number; winsTies: boolean } | undefined {
  let best: { timestamp: number; winsTies: boolean } | undefined
  let passed = false
  for (const other of queues) {
    if (other === queue) {
      passed = true
      continue
    }
    if (other.length === 0) continue
    const timestamp = other.firstTimestamp
    if (best === undefined || timestamp < best.timestamp) best = { timestamp, winsTies: !passed }
  }
  return best
}

import { PublisherCounts, type PublisherMetrics } from '../publisher-metrics.ts'
import type { SentEvent } from './sent-event.ts'

/** Counters with those that only the worker knows. */
export function withThoseOf(worker: PublisherMetrics | undefined, counts: PublisherCounts): PublisherCounts {
  if (worker === undefined) return counts
  const { flushes_total, flushed_messages_total, retries_total, batches_taken_apart_total } = worker.batch
  return Object.assign(new PublisherCounts(), counts, {
    flushes: counts.flushes + flushes_total,
    flushed: counts.flushed + flushed_messages_total,
    retries: counts.retries + retries_total,
    takenApart: counts.takenApart + batches_taken_apart_total,
  })
}

/** An event was taken, unless the worker refuses it yet: what it makes of that is known when it is settled. */
export function countTaken(counts: PublisherCounts, { countedLate }: SentEvent): void {
  if (!countedLate) counts.published++
}

export function countDelivered(counts: PublisherCounts, { countedLate }: SentEvent): void {
  if (countedLate) counts.published++
  counts.delivered++
}

/** Of those whose bytes the worker could not make it is said that they were not taken. */
export function countFailed(counts: PublisherCounts, { countedLate }: SentEvent, code: string): void {
  if (countedLate && code === 'NOT_SERIALIZABLE') {
    counts.rejected++
    return
  }
  if (countedLate) counts.published++
  counts.failed++
}

import { PublisherCounts, type PublisherMetrics } from '../publisher-metrics.ts'

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

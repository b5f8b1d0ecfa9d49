import { type BatchOptions, BatchSizer, resolveBatchPolicy } from '@millrace/core'

export interface Simulation {
  readonly policy: BatchOptions
  /** So many records arrive at once, again and again. */
  readonly poll: { readonly records: number; readonly everyMs: number }
  readonly durationMs: (records: number) => number
  /** How many whole batches that wait are processed at once, at most. Default: 1. */
  readonly atOnce?: number
}

/** What was processed at once. */
export interface SimulatedPass {
  readonly endedAtMs: number
  /** The limit when it was cut. */
  readonly size: number
  readonly records: number
  readonly batches: number
  readonly durationMs: number
  /** Records left when it was done. */
  readonly waiting: number
}

/** A partition whose batches are handed on as soon as the processor is free, by a clock that only this moves. */
export function simulate({ policy, poll, durationMs, atOnce = 1 }: Simulation, untilMs: number): SimulatedPass[] {
  const sizer = new BatchSizer({ current: resolveBatchPolicy([policy]) })
  const passes: SimulatedPass[] = []
  let now = 0
  let waiting = 0
  let pollsAt = 0
  const pollUntil = (time: number) => {
    for (; pollsAt <= time; pollsAt += poll.everyMs) {
      waiting += poll.records
      sizer.arrived(poll.records, pollsAt)
    }
  }
  while (now < untilMs) {
    pollUntil(now)
    if (waiting === 0) {
      now = pollsAt
      continue
    }
    const { size } = sizer.limits
    const batches = Math.max(1, Math.min(atOnce, Math.floor(waiting / size)))
    const records = Math.min(batches * size, waiting)
    const took = durationMs(records)
    now += took
    pollUntil(now)
    waiting -= records
    sizer.finished({ records, batches, durationMs: took, waiting })
    passes.push({ endedAtMs: now, size, records, batches, durationMs: took, waiting })
  }
  return passes
}

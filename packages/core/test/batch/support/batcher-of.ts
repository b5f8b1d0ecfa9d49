import {
  type Batcher,
  type BatcherOptions,
  type BatchOptions,
  createBatcher,
  ManualClock,
  type ProcessItems,
  type RuntimeEvent,
} from '@millrace/core'
import { settle } from '../../support/settle.ts'

/** A batcher on a clock by hand, with what it hands on and tells. */
export function batcherOf(policy: BatchOptions, options: BatcherOptions<number> = {}, process?: ProcessItems<number>) {
  const clock = new ManualClock()
  const batches: { readonly items: readonly number[]; readonly trigger: string }[] = []
  const events: RuntimeEvent[] = []
  const batcher = createBatcher<number>(
    policy,
    async (items, batch) => {
      batches.push({ items, trigger: batch.trigger })
      return process?.(items, batch)
    },
    { clock, observer: (event) => events.push(event), retry: { jitter: 0 }, ...options },
  )
  const advance = async (ms: number) => {
    await settle()
    await clock.advance(ms, settle)
  }
  return { batcher, batches, events, clock, advance }
}

export const upTo = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i)

export function appendAll(batcher: Batcher<number>, items: readonly number[]): Promise<void>[] {
  return items.map((item) => batcher.append(item))
}

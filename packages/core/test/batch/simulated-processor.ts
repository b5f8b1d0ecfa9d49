import { adaptSize, type AdaptiveSize, type AdaptiveTarget, initialAdaptiveSize } from '../../src/batch/adaptive-size.ts'

export const target: AdaptiveTarget = { targetLatencyMs: 100, minSize: 1, maxSize: 10_000 }

/** The same numbers in every run: a linear congruential generator (Numerical Recipes). */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

export type Processor = (records: number) => number

/** Milliseconds that a batch takes: something for itself, something for each record, and now and then a good deal more. */
export function processor(batchMs: number, recordMs: number, jitter: number, random = randomNumbers(1)): Processor {
  return (records) => (batchMs + recordMs * records) * (1 + jitter * random())
}

/** Gives a processor so many batches; resolves to their sizes and how long they took. */
export function run(
  process: Processor,
  batches: number,
  size: (state: AdaptiveSize) => number = ({ size: own }) => own,
  from = initialAdaptiveSize(target),
) {
  let state = from
  const sizes: number[] = []
  const durations: number[] = []
  for (let i = 0; i < batches; i++) {
    const records = size(state)
    const durationMs = process(records)
    sizes.push(records)
    durations.push(durationMs)
    state = adaptSize(target, state, { records, durationMs })
  }
  return { sizes, durations, state }
}

export const p95 = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)] as number
export const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

import { decideCut, resolveBatchPolicy } from '@millrace/core'
import type { Comparison, Contender } from '../../harness/comparison.ts'

const RECORDS = 100_000
/** Serialised bytes of each record. */
const SIZES = new Int32Array(RECORDS).fill(100)
const MAX_BYTES = 16_777_216
const TIMEOUT_MS = 1_000

/** Cutting a stream of waiting records into batches, beside a loop that looks at its limits with each record. */
export function cutterComparisons(): Comparison[] {
  return [1, 100, 1_000, 10_000].map((size) => ({
    name: `cut batches of ${size}`,
    baseline: contender(
      'by hand',
      'A loop that adds up records and bytes and looks at all three limits with each record.',
      () => byHand(size),
      size,
    ),
    others: [
      contender(
        'decideCut',
        'A loop that adds up bytes until a batch is full, and one decision for each batch, as the engine asks for it.',
        () => decided(size),
        size,
      ),
    ],
  }))
}

function contender(name: string, says: string, cut: () => number, size: number): Contender {
  return {
    name,
    says,
    records: RECORDS,
    open: () => ({
      work() {
        const batches = cut()
        if (batches !== Math.ceil(RECORDS / size)) throw new Error(`'${name}' cut ${batches} batches of ${size}.`)
      },
    }),
  }
}

function byHand(size: number): number {
  let batches = 0
  let records = 0
  let bytes = 0
  let firstArrivedAt = 0
  for (let i = 0; i < RECORDS; i++) {
    if (records === 0) firstArrivedAt = i
    records++
    bytes += SIZES[i] as number
    if (records < size && bytes < MAX_BYTES && i - firstArrivedAt < RECORDS * TIMEOUT_MS) continue
    batches++
    records = 0
    bytes = 0
  }
  return batches
}

function decided(size: number): number {
  const policy = resolveBatchPolicy([{ size, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }])
  let batches = 0
  let left = RECORDS
  while (left > 0) {
    const recordsWithinBytes = countWithin(RECORDS - left, Math.min(left, size))
    const decision = decideCut(policy, { records: left, recordsWithinBytes, firstArrivedAt: 0, now: 0, finishing: undefined })
    if (!decision.cut) throw new Error('A full batch was not cut.')
    left -= decision.take
    batches++
  }
  return batches
}

/** How many records from `from` on, at most `limit`, fit. */
function countWithin(from: number, limit: number): number {
  let bytes = 0
  let count = 0
  for (; count < limit; count++) {
    bytes += SIZES[from + count] as number
    if (bytes > MAX_BYTES) return count
  }
  return count
}

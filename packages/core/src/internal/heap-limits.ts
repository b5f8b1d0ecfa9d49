const MIB = 1_048_576
/**
 * A thread that comes to its limit is lent 16 MiB to end in; a collection that moves more than that out of the young generation ends the whole process. It moves a
 * third of that at most, and as much of large objects.
 */
const YOUNG_MIB = 24
const OLD_PER_YOUNG = 16

/** `resourceLimits` of a worker thread whose heap is bounded, in bytes, so that it is the thread that ends beyond. */
export function heapLimits(maxHeapBytes: number): { readonly maxOldGenerationSizeMb: number; readonly maxYoungGenerationSizeMb: number } {
  const old = maxHeapBytes / MIB
  return { maxOldGenerationSizeMb: old, maxYoungGenerationSizeMb: Math.min(YOUNG_MIB, old / OLD_PER_YOUNG) }
}

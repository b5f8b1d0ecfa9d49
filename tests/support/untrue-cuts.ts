import { type BatchPolicy, type CutEvent, memoryOf } from '@millrace/core'

/** Batches that are not within their limits, or say of themselves what is not so. `written`: serialised bytes of each record, by partition. */
export function untrueCuts(policy: BatchPolicy, cuts: readonly CutEvent[], written: readonly (readonly number[])[]): string[] {
  const taken = written.map(() => 0)
  return cuts.flatMap((cut) => {
    const { partition, records } = cut
    const sizes = written[partition] as readonly number[]
    const first = taken[partition] as number
    const end = first + records
    taken[partition] = end
    const bytes = sizes.slice(first, end).reduce((sum, size) => sum + size, 0)
    const fits = records === 1 || (bytes <= policy.maxBytes && memoryOf(records, bytes) <= policy.maxMemoryBytes)
    const good = records >= 1 && records <= policy.size && fits && cut.bytes === bytes && isTrue(policy, cut, sizes[end])
    const { trigger, ageMs } = cut
    return good ? [] : [`${partition}: ${first} to ${end}, ${bytes} bytes, told: ${cut.bytes} bytes, ${trigger}, ${ageMs} ms`]
  })
}

/** Whether what a trigger says is so; `next`: serialised bytes of the record behind the batch. */
function isTrue(policy: BatchPolicy, { records, bytes, trigger, ageMs }: CutEvent, next: number | undefined): boolean {
  switch (trigger) {
    case 'records':
      return policy.adaptive ? records >= policy.minSize : records === policy.size
    case 'bytes':
      return bytes >= policy.maxBytes || (next !== undefined && bytes + next > policy.maxBytes)
    case 'memory': {
      const { maxMemoryBytes } = policy
      return memoryOf(records, bytes) >= maxMemoryBytes || (next !== undefined && memoryOf(records + 1, bytes + next) > maxMemoryBytes)
    }
    case 'age':
      return ageMs >= policy.timeoutMs
    case 'demand':
      return !policy.waitWhenIdle || policy.timeoutMs === 0
    case 'drain':
      return next === undefined
    case 'revoke':
    case 'order':
    case 'punctuate':
      return false
  }
}

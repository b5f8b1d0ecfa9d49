import { type OffsetCommit, partitionKey } from '@millrace/core'

/** For each of `offsets` the lowest that any of `answers` confirms: a partition that an answer leaves out is not committed at all. */
export function lowestOffsets(offsets: readonly OffsetCommit[], answers: readonly (readonly OffsetCommit[])[]): OffsetCommit[] {
  const confirmed = answers.map((answer) => new Map(answer.map((entry) => [partitionKey(entry.topic, entry.partition), entry.offset])))
  const lowest: OffsetCommit[] = []
  for (const wanted of offsets) {
    const key = partitionKey(wanted.topic, wanted.partition)
    let offset = wanted.offset
    let known = true
    for (const answer of confirmed) {
      const durable = answer.get(key)
      if (durable === undefined) known = false
      else if (durable < offset) offset = durable
    }
    if (known) lowest.push({ ...wanted, offset })
  }
  return lowest
}

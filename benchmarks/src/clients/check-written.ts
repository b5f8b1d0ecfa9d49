import { byteLengthAt, deserializeColumn, partitionForKey, serdes } from '@millrace/core'
import { readTopic, type TopicReading } from '../kafka/check/read-topic.ts'
import { WrongResult } from '../kafka/check/wrong-result.ts'
import { keyOf, KEYS, VALUE_BYTES } from './client-config.ts'

/** Checks what a client has written: each record once, in the partition of its key, in order. Rejects with what is wrong. */
export async function checkWritten(reading: TopicReading, records: number): Promise<void> {
  const wrong = (what: string) => new WrongResult(`'${reading.topic}'`, what)
  const partitions = Int32Array.from({ length: KEYS }, (_, i) => partitionForKey(Buffer.from(keyOf(i)), reading.partitions))
  const next = new Array<number>(reading.partitions).fill(-1)
  /** The first record behind `i` that belongs there. */
  const following = (partition: number, i: number) => {
    let at = i + 1
    while (at < records && partitions[at % KEYS] !== partition) at++
    return at
  }
  next.forEach((none, partition) => (next[partition] = following(partition, none)))
  await readTopic(reading, ({ partition, length, keys, values }) => {
    const texts = deserializeColumn(serdes.string, keys).values
    for (let row = 0; row < length; row++) {
      const i = next[partition] as number
      if (i >= records) throw wrong(`partition ${partition} has more records than were written`)
      if (texts[row] !== keyOf(i)) throw wrong(`partition ${partition} has '${texts[row]}' where record ${i}, '${keyOf(i)}', should be`)
      if (byteLengthAt(values, row) !== VALUE_BYTES) throw wrong(`record ${i} has ${byteLengthAt(values, row)} bytes`)
      next[partition] = following(partition, i)
    }
  })
  next.forEach((i, partition) => {
    if (i < records) throw wrong(`partition ${partition} lacks record ${i} and what follows it`)
  })
}

import { deserializeColumn, partitionForKey, serdes } from '@millrace/core'
import { type InputShape, isKept, keyNumber, keyText, timeOf, valueText } from '../input/input-shape.ts'
import { readTopic, type TopicEnd, type TopicReading } from './read-topic.ts'
import { WrongResult } from './wrong-result.ts'

/**
 * Checks what the stateless work writes: each record that is kept, once, in capitals, with its time, in the partition of its key, in order. Rejects with what is
 * wrong.
 */
export async function checkMapped(reading: TopicReading, shape: InputShape): Promise<TopicEnd> {
  const wrong = (what: string) => new WrongResult(`'${reading.topic}'`, what)
  const seen = new Uint8Array(shape.records)
  const last = new Map<number, number>()
  const end = await readTopic(reading, ({ keys, values, length, partition, timestamps }) => {
    const keyTexts = deserializeColumn(serdes.string, keys).values
    const texts = deserializeColumn(serdes.string, values).values
    for (let i = 0; i < length; i++) {
      const text = texts[i] as string
      const index = Number.parseInt(text, 10)
      if (!(index >= 0 && index < shape.records) || text !== valueText(index, shape.valueBytes).toUpperCase())
        throw wrong(`'${text}' comes of no record`)
      const key = keyText(keyNumber(index, shape.keys))
      if (keyTexts[i] !== key) throw wrong(`record ${index} has the key '${keyTexts[i]}'`)
      if (partition !== partitionForKey(Buffer.from(key), shape.partitions)) throw wrong(`record ${index} is in partition ${partition}`)
      if (timestamps[i] !== timeOf(index)) throw wrong(`record ${index} has another time than that of the input`)
      if (seen[index] === 1 || index <= (last.get(partition) ?? -1)) throw wrong(`record ${index} is there twice, or out of order`)
      seen[index] = 1
      last.set(partition, index)
    }
  })
  for (let index = 0; index < shape.records; index++) {
    const kept = isKept(valueText(index, shape.valueBytes))
    if (kept !== (seen[index] === 1)) throw wrong(`record ${index} is ${kept ? 'missing' : 'there, and should have been dropped'}`)
  }
  return end
}

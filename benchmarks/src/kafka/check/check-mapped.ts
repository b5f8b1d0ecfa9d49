import { deserializeColumn, serdes } from '@millrace/core'
import { type InputShape, isKept, keyNumber, keyText, valueText } from '../input/input-shape.ts'
import { readTopic, type TopicReading } from './read-topic.ts'

/** Checks what the stateless work writes: each record that is kept, once, in capitals, in the order of its partition. Rejects with what is wrong. */
export async function checkMapped(reading: TopicReading, shape: InputShape): Promise<{ readonly records: number }> {
  const { topic } = reading
  const seen = new Uint8Array(shape.records)
  const last = new Map<number, number>()
  const records = await readTopic(reading, ({ keys, values, length, partition }) => {
    const keyTexts = deserializeColumn(serdes.string, keys).values
    const texts = deserializeColumn(serdes.string, values).values
    for (let i = 0; i < length; i++) {
      const text = texts[i] as string
      const index = Number.parseInt(text, 10)
      if (!(index >= 0 && index < shape.records) || text !== valueText(index, shape.valueBytes).toUpperCase())
        throw new Error(`'${topic}' is wrong: '${text}' comes of no record.`)
      if (keyTexts[i] !== keyText(keyNumber(index, shape.keys)))
        throw new Error(`'${topic}' is wrong: record ${index} has the key '${keyTexts[i]}'.`)
      if (seen[index] === 1 || index <= (last.get(partition) ?? -1))
        throw new Error(`'${topic}' is wrong: record ${index} is there twice, or out of order.`)
      seen[index] = 1
      last.set(partition, index)
    }
  })
  for (let index = 0; index < shape.records; index++) {
    const kept = isKept(valueText(index, shape.valueBytes))
    if (kept !== (seen[index] === 1))
      throw new Error(`'${topic}' is wrong: record ${index} is ${kept ? 'missing' : 'there, and should have been dropped'}.`)
  }
  return { records }
}

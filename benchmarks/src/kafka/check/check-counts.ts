import { deserializeColumn, serdes, type WireBatch } from '@millrace/core'
import { countsOf, type InputShape, keyText, numberInKey } from '../input/input-shape.ts'
import { readTopic, type TopicReading } from './read-topic.ts'

/**
 * Checks a topic of counts: `every-record`, each key counts from 1 up to how often it came, one by one; `ascending`, it may leave out numbers, as an output a key
 * and batch does; `last`, only the last one of each key counts, as in a changelog. Resolves to how many records there are, and rejects with what is wrong.
 */
export async function checkCounts(
  reading: TopicReading,
  shape: InputShape,
  how: 'every-record' | 'ascending' | 'last',
): Promise<{ readonly records: number }> {
  const seen = new Int32Array(shape.keys)
  const records = await readTopic(reading, (batch) => {
    const { keys, counts } = decoded(batch)
    for (let i = 0; i < batch.length; i++) {
      const number = numberInKey(keys[i] as string)
      const count = counts[i] as number
      if (!(number >= 0 && number < shape.keys)) throw wrong(reading, `there is a key '${keys[i]}', which nobody wrote`)
      const before = seen[number] as number
      if (how === 'every-record' && count !== before + 1) throw wrong(reading, stepOf(number, before, count))
      if (how === 'ascending' && count <= before) throw wrong(reading, stepOf(number, before, count))
      seen[number] = count
    }
  })
  const expected = countsOf(shape)
  for (let number = 0; number < shape.keys; number++) {
    if (seen[number] !== expected[number])
      throw wrong(reading, `${keyText(number)} ends with ${seen[number]} instead of ${expected[number]}`)
  }
  return { records }
}

function decoded({ keys, values }: WireBatch) {
  const texts = deserializeColumn(serdes.string, keys)
  const counts = deserializeColumn(serdes.safeInt64, values)
  const [failure] = [...texts.failures, ...counts.failures].filter((one) => one !== undefined)
  if (failure !== undefined) throw failure.error
  return { keys: texts.values, counts: counts.values }
}

function stepOf(number: number, before: number, count: number): string {
  const what = count <= before ? 'a record is there twice, or out of order' : 'a record is missing'
  return `${keyText(number)} goes from ${before} to ${count}: ${what}`
}

function wrong({ topic }: TopicReading, what: string): Error {
  return new Error(`'${topic}' is wrong: ${what}.`)
}

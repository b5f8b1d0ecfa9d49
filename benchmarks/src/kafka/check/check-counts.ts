import { deserializeColumn, serdes } from '@millrace/core'
import { type InputShape, keyText, numberInKey, timeOf } from '../input/input-shape.ts'
import { ExpectedRecords } from './expected-records.ts'
import { readTopic, type TopicEnd, type TopicReading } from './read-topic.ts'
import type { TopicBatch } from './topic-reader.ts'
import { WrongResult } from './wrong-result.ts'

/**
 * Checks a topic of counts: `every-record`, each key counts from 1 up to how often it came, one by one; `ascending`, it may leave out numbers, as an output a key
 * and batch does; `last`, only the last one of each key counts, as in a changelog. Each is in the partition of its key, and has, unless it is of a changelog, the
 * time of the record that made it. Rejects with what is wrong.
 */
export async function checkCounts(reading: TopicReading, shape: InputShape, how: 'every-record' | 'ascending' | 'last'): Promise<TopicEnd> {
  const wrong = (what: string) => new WrongResult(`'${reading.topic}'`, what)
  const expected = new ExpectedRecords(shape)
  const seen = new Int32Array(shape.keys)
  const end = await readTopic(reading, (batch) => {
    const { keys, counts } = decoded(batch)
    for (let i = 0; i < batch.length; i++) {
      const number = numberInKey(keys[i] as string)
      const count = counts[i] as number
      if (!(number >= 0 && number < shape.keys)) throw wrong(`there is a key '${keys[i]}', which nobody wrote`)
      if (batch.partition !== expected.partitionOf(number)) throw wrong(`${keyText(number)} is in partition ${batch.partition}`)
      const before = seen[number] as number
      if (how === 'every-record' && count !== before + 1) throw wrong(stepOf(number, before, count))
      if (how === 'ascending' && count <= before) throw wrong(stepOf(number, before, count))
      if (how !== 'last' && count <= expected.counts[number]! && batch.timestamps[i] !== timeOf(expected.indexOf(number, count)))
        throw wrong(`${keyText(number)} has another time at ${count} than the record of the input`)
      seen[number] = count
    }
  })
  for (let number = 0; number < shape.keys; number++) {
    if (seen[number] !== expected.counts[number])
      throw wrong(`${keyText(number)} ends with ${seen[number]} instead of ${expected.counts[number]}`)
  }
  return end
}

function decoded({ keys, values }: TopicBatch) {
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

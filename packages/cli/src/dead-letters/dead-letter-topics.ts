import type { TopicDescription, TopicPartition, Transport, TransportAdmin, TransportContext } from '@millrace/core'
import { NotFoundError, UsageError } from '../command-line/errors.ts'
import type { Target } from '../load/target.ts'
import { type ReadRange, readTopics } from '../records/read-topics.ts'
import { type DeadLetter, type DeadLetterFilter, deadLetterOf, matches, placeOf } from './dead-letter.ts'

/** What dead letters are read with. */
export interface DeadLetterReading {
  readonly transport: Transport
  readonly admin: TransportAdmin
  readonly context: TransportContext
  readonly stop: AbortSignal
}

/** The topics that the command line names, or else the application. */
export function topicsOf(
  { definition, applicationId }: Pick<Target, 'definition' | 'applicationId'>,
  topics: readonly string[] | undefined,
): readonly string[] {
  if (topics !== undefined) return topics
  const topic = definition?.failure.deadLetter.topic
  if (typeof topic === 'string') return [topic]
  if (typeof topic === 'function') throw new UsageError(`'${applicationId}' chooses a topic for each dead letter: name them with --topic.`)
  throw new UsageError(`'${applicationId}' has no failure.deadLetter.topic: name the topic with --topic.`)
}

/** As they are now. Rejects for one that does not exist. */
export async function describeAll(admin: TransportAdmin, topics: readonly string[]): Promise<readonly TopicDescription[]> {
  const described = await admin.describeTopics(topics)
  const missing = topics.find((topic) => !described.some((one) => one.topic === topic))
  if (missing !== undefined) throw new NotFoundError(`Topic '${missing}' does not exist.`)
  return described
}

/** The dead letters of one topic that the filter lets through, in pieces. */
export async function* deadLettersOf(
  topic: TopicDescription,
  filter: DeadLetterFilter,
  reading: DeadLetterReading,
): AsyncGenerator<readonly DeadLetter[]> {
  const all = Array.from({ length: topic.partitions }, (_, partition) => ({ topic: topic.topic, partition }))
  const partitions = filter.ids === undefined ? all : rangesOf(all, filter.ids)
  for await (const records of readTopics({ ...reading, partitions })) {
    const letters = records.map(deadLetterOf).filter((letter) => matches(letter, filter))
    if (letters.length > 0) yield letters
  }
}

/** From the first of those that are named to the last, in each partition: a topic of dead letters may be long. */
function rangesOf(all: readonly TopicPartition[], ids: ReadonlySet<string>): ReadRange[] {
  return all.flatMap(({ topic, partition }) => {
    const offsets = [...ids].flatMap((id) => {
      const place = placeOf(id)
      return place?.topic === topic && place.partition === partition ? [place.offset] : []
    })
    return offsets.length === 0 ? [] : [{ topic, partition, from: Math.min(...offsets), to: Math.max(...offsets) + 1 }]
  })
}

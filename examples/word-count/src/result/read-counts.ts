import {
  deserializeColumn,
  type RecordSource,
  type Transport,
  type TransportAdmin,
  type TransportContext,
  type WireBatch,
} from '@millrace/core'
import { countSerdes } from '../topology/word-count-topology.ts'

const POLL_MS = 500
/** A topic that brings nothing new for so long is given up. */
const SILENCE_MS = 20_000

export interface ReadCountsOptions {
  readonly transport: Transport
  readonly context: TransportContext
  readonly admin: TransportAdmin
  readonly topic: string
}

/** What the output topic holds. */
export interface WrittenCounts {
  /** The last value of each word. */
  readonly counts: ReadonlyMap<string, number>
  readonly records: number
}

/** Reads all that is in the output topic now. All records of a word are in one partition, so the last one read is its last. */
export async function readCounts({ transport, context, admin, topic }: ReadCountsOptions): Promise<WrittenCounts> {
  const counts = new Map<string, number>()
  let records = 0
  const { begins, ends } = await bounds(admin, topic)
  const left = new Map(
    ends.filter(({ partition, offset }) => offset > (begins.get(partition) ?? 0)).map((end) => [end.partition, end.offset]),
  )
  if (left.size === 0) return { counts, records }
  await using source = await transport.openSource({ clientId: 'word-count-result', isolation: 'read-committed' }, context)
  await source.assign([...left.keys()].map((partition) => ({ topic, partition, offset: begins.get(partition) ?? 0 })))
  for (let silentSince = performance.now(); left.size > 0;) {
    const read = await pollOnce(source, left, counts)
    records += read
    if (read > 0) silentSince = performance.now()
    else if (performance.now() - silentSince > SILENCE_MS)
      throw new Error(`Topic '${topic}' could not be read to its end: nothing came for ${SILENCE_MS / 1_000} s.`)
  }
  return { counts, records }
}

/** Takes in what has come; `left` loses the partitions that are at their end. Returns how many records it was. */
async function pollOnce(source: RecordSource, left: Map<number, number>, counts: Map<string, number>): Promise<number> {
  const { batches, ends } = await source.poll(POLL_MS)
  let records = 0
  for (const batch of batches) {
    try {
      take(batch, counts)
    } finally {
      batch.release()
    }
    records += batch.length
    passed(left, batch.partition, (batch.offsets[batch.length - 1] as number) + 1)
  }
  for (const { partition, offset } of ends) passed(left, partition, offset)
  return records
}

function passed(left: Map<number, number>, partition: number, position: number): void {
  if (position >= (left.get(partition) ?? Infinity)) left.delete(partition)
}

function take(batch: WireBatch, counts: Map<string, number>): void {
  const words = deserializeColumn(countSerdes.key, batch.keys)
  const values = deserializeColumn(countSerdes.value, batch.values)
  const failure = words.failures[0] ?? values.failures[0]
  if (failure !== undefined) {
    const where = `${batch.topic}, partition ${batch.partition}, offset ${batch.offsets[failure.index]}`
    throw new Error(`The output topic holds a record that is no count of a word (${where})`, { cause: failure.error })
  }
  for (let i = 0; i < batch.length; i++) counts.set(words.values[i] as string, values.values[i] as number)
}

async function bounds(admin: TransportAdmin, topic: string) {
  const [description] = await admin.describeTopics([topic])
  const partitions = Array.from({ length: description?.partitions ?? 0 }, (_, partition) => ({ topic, partition }))
  const [begins, ends] = await Promise.all([admin.beginningOffsets(partitions), admin.endOffsets(partitions, 'read-committed')])
  return { begins: new Map(begins.map(({ partition, offset }) => [partition, offset])), ends }
}

import { type Message, openConsumer, openProducer, produced, promised, whileFull } from '../kafka/programs/confluent.ts'
import { Stopwatch } from '../kafka/programs/stopwatch.ts'
import { CHUNK, type ClientConfig, KEYS, keyOf, VALUE_BYTES } from './client-config.ts'
import { ReadCheck } from './read-check.ts'

const FLUSH_MS = 120_000

/** Reads all records, with a string for each key. */
export async function readConfluent({ brokers, topic, partitions, records }: ClientConfig): Promise<void> {
  const stopwatch = new Stopwatch({})
  const consumer = await openConsumer({ 'bootstrap.servers': brokers, 'group.id': 'bench-clients', 'isolation.level': 'read_uncommitted' })
  stopwatch.read()
  consumer.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })))
  const check = new ReadCheck(partitions)
  const next = (): Promise<readonly Message[]> => promised((callback) => consumer.consume(CHUNK, callback))
  // One request ahead, so that its own thread works meanwhile.
  let coming = next()
  for (let read = 0; read < records;) {
    const messages = await coming
    read += messages.length
    if (read < records) coming = next()
    if (messages.length === 0) await whileFull()
    for (const { key, partition, offset } of messages) {
      check.key((key as Buffer).toString())
      check.offsets(partition, offset, offset)
    }
  }
  stopwatch.done()
  check.finish(records)
  await promised((callback) => consumer.disconnect(callback))
}

/** Writes all records, idempotently. Rejects if any could not be delivered. */
export async function writeConfluent({ brokers, topic, records }: ClientConfig): Promise<void> {
  const keys = Array.from({ length: KEYS }, (_, i) => Buffer.from(keyOf(i)))
  const value = Buffer.alloc(VALUE_BYTES, 'v')
  let failure: Error | undefined
  const stopwatch = new Stopwatch({})
  const producer = await openProducer(brokers, undefined, (error) => {
    failure = error
  })
  stopwatch.read()
  for (let i = 0; i < records;) {
    if (produced(producer, topic, keys[i % KEYS] as Buffer, value)) i++
    else await whileFull()
  }
  await promised((callback) => producer.flush(FLUSH_MS, callback))
  stopwatch.done()
  await promised((callback) => producer.disconnect(FLUSH_MS, callback))
  if (failure !== undefined) throw failure
}

import { ClassicLevel } from 'classic-level'
import { type EachMessagePayload, Kafka, logLevel } from 'kafkajs'
import { isKept } from '../input/input-shape.ts'
import { programConfig, Stopwatch } from './stopwatch.ts'
import { writeState } from './write-state.ts'

// The loop that most people write: `eachMessage`, and in it an awaited get, an awaited put and an awaited send. It has no changelog.
const config = programConfig()
const { brokers, applicationId, input, output, records, commitIntervalMs, work, stateDir, stateFile } = config
const stopwatch = new Stopwatch(config)
const database = new ClassicLevel<string, number>(stateDir, { keyEncoding: 'utf8', valueEncoding: 'json' })
const kafka = new Kafka({ brokers: brokers.split(','), clientId: applicationId, logLevel: logLevel.ERROR })
const consumer = kafka.consumer({ groupId: applicationId, maxWaitTimeInMs: 100 })
const producer = kafka.producer()
await Promise.all([consumer.connect(), producer.connect(), database.open()])
await consumer.subscribe({ topics: [input], fromBeginning: true })

const next = new Map<number, string>()
let left = records

async function eachMessage({ partition, message }: EachMessagePayload): Promise<void> {
  stopwatch.read()
  const key = String(message.key)
  const { timestamp } = message
  if (work === 'map') {
    const text = String(message.value)
    if (isKept(text)) await producer.send({ topic: output, messages: [{ key, value: text.toUpperCase(), timestamp }] })
  } else {
    const count = ((await database.get(key)) ?? 0) + 1
    await database.put(key, count)
    const value = Buffer.alloc(8)
    value.writeBigInt64BE(BigInt(count))
    await producer.send({ topic: output, messages: [{ key, value, timestamp }] })
  }
  next.set(partition, (BigInt(message.offset) + 1n).toString())
  left--
}

await new Promise<void>((resolve, reject) => {
  consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
  const counted = async (payload: EachMessagePayload) => {
    await eachMessage(payload)
    if (left > 0) return
    await consumer.commitOffsets([...next].map(([partition, offset]) => ({ topic: input, partition, offset })))
    stopwatch.done()
    resolve()
  }
  consumer.run({ autoCommitInterval: commitIntervalMs, eachMessage: counted }).catch(reject)
})
await consumer.disconnect()
await producer.disconnect()
if (work !== 'map') await writeState(stateFile, database.iterator())
await database.close()

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AppDefinition, defineApp, serdes, TopologyBuilder } from 'millrace'
import { kafka } from 'millrace/kafka'
import { leveldb } from 'millrace/leveldb'

/** What a test and the threads of its application have to agree on. */
export interface ThreadedCount {
  readonly brokers: string
  readonly applicationId: string
  readonly topics: { readonly input: string; readonly output: string }
  readonly guarantee: 'at-least-once' | 'exactly-once'
  /** Of what has happened once. */
  readonly folder: string
}

export const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
export const VARIABLE = 'MILLRACE_TEST_THREADS'

/** Ends the thread that meets the record, in the middle of a pass, if it is the first that does. */
function dieOnce(how: string, folder: string): void {
  if (how !== 'exit' && how !== 'throw') return
  try {
    writeFileSync(join(folder, how), '', { flag: 'wx' })
  } catch {
    return
  }
  if (how === 'exit') process.exit(3)
  setImmediate(() => {
    throw new Error('nobody catches this')
  })
}

/** Counts by key: what the variable says, in each thread and in the test. */
export default function counting(): AppDefinition {
  const { brokers, applicationId, topics, guarantee, folder } = JSON.parse(String(process.env[VARIABLE])) as ThreadedCount
  const builder = new TopologyBuilder('counting')
  builder
    .source('in', { topics: [topics.input], key: serdes.string, value: serdes.string })
    .processBatch<string, number>(
      'count',
      async (batch, context) => {
        const values = await context.store(counts).updateBatch(batch.keys, (count = 0) => count + 1)
        context.forwardBatch({ keys: batch.keys, values })
        for (const value of batch.values) dieOnce(value, folder)
      },
      { stores: [counts] },
    )
    .sink('out', { topic: topics.output, key: serdes.string, value: serdes.safeInt64 })
  return defineApp({
    topology: builder.build(),
    applicationId,
    // Longer than any test: who dies has to be put out of the group.
    transport: kafka({ brokers, client: 'packed', consumer: { 'session.timeout.ms': 300_000, 'heartbeat.interval.ms': 500 } }),
    processingGuarantee: guarantee,
    transactionTimeoutMs: 10_000,
    batch: { size: 50, timeoutMs: 5 },
    commit: { intervalMs: 50 },
    threads: { count: 2, module: import.meta.url },
  })
}

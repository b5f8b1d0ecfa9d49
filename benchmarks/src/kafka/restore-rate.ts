import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  defineApp,
  serdes,
  serializeColumn,
  silentLogger,
  type Transport,
  TopologyBuilder,
  type KeyValueStoreDefinition,
} from '@millrace/core'
import { start } from '@millrace/runtime'
import { leveldb } from '@millrace/store-leveldb'
import { inMemory } from '@millrace/store-memory'

const context = { logger: silentLogger }
const text = { key: serdes.string, value: serdes.string }
const count = { key: serdes.string, value: serdes.safeInt64 }
const WRITTEN_AT_ONCE = 10_000
const POLL_MS = 1_000

export interface RestoreRateOptions {
  readonly transport: Transport
  readonly applicationId: string
  /** For local state. */
  readonly folder: string
  /** Keys of the changelog, a record each. */
  readonly records: number
}

/** Writes the changelog that is restored from: of `counts`, keys of some 12 bytes, values of 8. */
export async function writeChangelog({ transport, applicationId, records }: RestoreRateOptions): Promise<void> {
  const topic = changelogOf(applicationId)
  await using admin = await transport.openAdmin(context)
  await admin.createTopics([
    { topic: inputOf(applicationId), partitions: 1 },
    {
      topic,
      partitions: 1,
      config: { 'cleanup.policy': 'compact', 'message.timestamp.type': 'CreateTime', 'delete.retention.ms': '604800000' },
    },
  ])
  await using writer = await transport.openWriter({ clientId: 'bench-changelog' }, context)
  for (let from = 0; from < records; from += WRITTEN_AT_ONCE) {
    const numbers = Array.from({ length: Math.min(WRITTEN_AT_ONCE, records - from) }, (_, i) => from + i)
    await writer.writeBatch({
      topic,
      length: numbers.length,
      keys: serializeColumn(
        count.key,
        numbers.map((number) => `key-${String(number).padStart(8, '0')}`),
      ),
      values: serializeColumn(count.value, numbers),
      timestamps: numbers.map(() => Date.now()),
      partitions: numbers.map(() => 0),
    })
  }
  const [failure] = await writer.flush()
  if (failure !== undefined) throw failure.error
}

/** The same client reads the whole changelog, and nothing is done with it: milliseconds from the assignment to the last record. */
export async function readBare({ transport, applicationId, records }: RestoreRateOptions): Promise<number> {
  await using source = await transport.openSource({ clientId: 'bench-read', isolation: 'read-uncommitted' }, context)
  const began = performance.now()
  await source.assign([{ topic: changelogOf(applicationId), partition: 0, offset: 0 }])
  for (let read = 0; read < records;) {
    const { batches } = await source.poll(POLL_MS)
    for (const batch of batches) {
      read += batch.length
      batch.release()
    }
  }
  return performance.now() - began
}

/** An application without local state restores its store: milliseconds from the assignment to the moment at which all is in the store. */
export async function restore(options: RestoreRateOptions, kind: 'leveldb' | 'memory'): Promise<number> {
  const stateDir = await mkdtemp(join(options.folder, 'restore-'))
  const counts =
    kind === 'leveldb' ? leveldb.keyValueStore({ name: 'counts', ...count }) : inMemory.keyValueStore({ name: 'counts', ...count })
  let began = 0
  let restored: (ms: number) => void = () => undefined
  const done = new Promise<number>((resolve) => {
    restored = resolve
  })
  const app = await start(
    defineApp({
      topology: topologyWith(counts, inputOf(options.applicationId)),
      applicationId: options.applicationId,
      transport: options.transport,
      stateDir,
      logger: silentLogger,
      observer: (event) => {
        if (event.type !== 'restore') return
        if (event.phase === 'started') began = performance.now()
        if (event.phase === 'completed') restored(performance.now() - began)
      },
    }),
  )
  const running = app.run()
  try {
    return await Promise.race([done, running.then(() => Promise.reject(new Error('The application ended before it had restored.')))])
  } finally {
    await app.close()
    await running
    await rm(stateDir, { recursive: true, force: true })
  }
}

function topologyWith(counts: KeyValueStoreDefinition<string, number>, input: string) {
  const builder = new TopologyBuilder('restored')
  builder.source('words', { topics: [input], ...text }).process<string, string>('count', () => undefined, { stores: [counts] })
  return builder.build()
}

function inputOf(applicationId: string): string {
  return `${applicationId}-input`
}

function changelogOf(applicationId: string): string {
  return `${applicationId}-counts-changelog`
}

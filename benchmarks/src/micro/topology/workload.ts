import {
  type KeyValueStoreDefinition,
  serdes,
  serializeColumn,
  silentLogger,
  type StoreBackend,
  type TransportAdmin,
  type WriteBatch,
} from '@millrace/core'
import { leveldb, openLevelDb } from '@millrace/store-leveldb'
import { inMemory, MemoryStoreBackend } from '@millrace/store-memory'
import { memory, type MemoryTransport } from '@millrace/transport-memory'
import { keysUpTo, textOf } from '../texts.ts'

export const INPUT = 'input'
export const OUTPUT = 'output'
export const CHANGELOG = 'count-counts-changelog'
export const APPLICATION = 'count'
/** Both sides commit when they have processed so many records, and at the end. */
export const COMMIT_RECORDS = 50_000

export const inputSerdes = { key: serdes.string, value: serdes.string }
export const outputSerdes = { key: serdes.string, value: serdes.safeInt64 }

export type StoreKind = 'leveldb' | 'memory'

const VALUE_LENGTH = 100
/** Serialised, of each record of the input: keys of ten characters, and values. */
export const RECORD_BYTES = 10 + VALUE_LENGTH

export interface Workload {
  readonly records: number
  readonly input: WriteBatch
}

/** Records with `keys` different keys, in turns, and values of 100 characters. */
export function makeWorkload(records: number, keys: number): Workload {
  const all = keysUpTo(keys)
  const texts = Array.from({ length: 26 }, (_, i) => textOf(VALUE_LENGTH, i))
  const input: WriteBatch = {
    topic: INPUT,
    length: records,
    keys: serializeColumn(
      serdes.string,
      Array.from({ length: records }, (_, i) => all[i % keys] as string),
    ),
    values: serializeColumn(
      serdes.string,
      Array.from({ length: records }, (_, i) => texts[i % texts.length] as string),
    ),
    timestamps: Float64Array.from({ length: records }, (_, i) => 1_000_000 + i),
  }
  return { records, input }
}

/** An embedded log of its own with the topics of the count, one partition each. */
export interface Surroundings {
  readonly transport: MemoryTransport
  readonly admin: TransportAdmin
}

export async function makeSurroundings(): Promise<Surroundings> {
  const transport = memory()
  const admin = await transport.openAdmin({ logger: silentLogger })
  await admin.createTopics([INPUT, OUTPUT, CHANGELOG].map((topic) => ({ topic, partitions: 1 })))
  return { transport, admin }
}

export async function recordsIn(admin: TransportAdmin, topic: string): Promise<number> {
  const [end] = await admin.endOffsets([{ topic, partition: 0 }], 'read-uncommitted')
  return end?.offset ?? 0
}

export function countStore(kind: StoreKind): KeyValueStoreDefinition<string, number> {
  return (kind === 'leveldb' ? leveldb : inMemory).keyValueStore({ name: 'counts', ...outputSerdes })
}

export async function openBackend(kind: StoreKind, folder: string): Promise<StoreBackend> {
  return kind === 'leveldb' ? openLevelDb({ name: 'counts', folder }) : new MemoryStoreBackend()
}

import {
  type BatchPolicy,
  DEFAULT_BATCH_POLICY,
  type Headers,
  type Serde,
  type SourceNode,
  viewColumn,
  type WireBatch,
} from '@millrace/core'
import { ReadBuffer } from '../../src/source/read-buffer.ts'
import { PartitionQueue } from '../../src/source/partition-queue.ts'

/** ASCII text; refuses `!`, so that tests can make a record that can't be decoded. */
const text: Serde<string> = {
  name: 'text',
  serialize: (value) => Buffer.from(value),
  deserialize: (bytes, start, end) => {
    const value = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString()
    if (value.includes('!')) throw new Error(`'${value}' is refused`)
    return value
  },
}

export function sourceNode(overrides: Partial<SourceNode> = {}): SourceNode {
  return {
    kind: 'source',
    name: 'lines',
    topics: [{ kind: 'name', topic: 'in' }],
    key: text as Serde<unknown>,
    value: text as Serde<unknown>,
    startAt: 'earliest',
    timestamp: undefined,
    batch: {},
    edges: [],
    parents: [],
    ...overrides,
  }
}

export interface WireRow {
  readonly key?: string
  readonly value: string | null
  readonly timestamp?: number
  readonly offset?: number
  readonly headers?: Headers
}

export function wireBatch(
  rows: readonly WireRow[],
  options: { topic?: string; firstOffset?: number; released?: () => void } = {},
): WireBatch {
  const { topic = 'in', firstOffset = 0, released = () => undefined } = options
  return {
    topic,
    partition: 0,
    length: rows.length,
    keys: viewColumn(rows.map((row) => Buffer.from(row.key ?? 'k'))),
    values: viewColumn(rows.map((row) => (row.value === null ? null : Buffer.from(row.value)))),
    timestamps: rows.map((row) => row.timestamp ?? 0),
    offsets: rows.map((row, i) => row.offset ?? firstOffset + i),
    headers: rows.some(({ headers }) => headers !== undefined) ? rows.map(({ headers }) => headers) : undefined,
    release: released,
  }
}

export function partitionQueue(
  options: { topic?: string; policy?: Partial<BatchPolicy>; buffer?: ReadBuffer; source?: SourceNode; position?: number } = {},
): PartitionQueue {
  const { topic = 'in', policy = {}, source = sourceNode(), position = 0 } = options
  const buffer = options.buffer ?? new ReadBuffer({ maxRecords: Infinity, maxBytes: Infinity, memoryBudgetBytes: Infinity })
  const current = { ...DEFAULT_BATCH_POLICY, ...policy }
  return new PartitionQueue({ topic, partition: 0, source, policy: { current }, buffer, position, partitionTime: -1 })
}

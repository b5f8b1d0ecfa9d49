import type { BytesColumn, Headers, StagedRecord, WriteBatch } from '@millrace/core'
import { bytesAt, columnByteLength, headerBytes, viewColumn } from '@millrace/core'
import { comparePaths, type NodeInput, pathOf, sourceRow } from '../process/node-input.ts'

/** What one sink writes to one topic in one pass. `rows` are the records of its input that it holds; undefined: all of them. */
export interface SinkOutput {
  readonly write: WriteBatch
  readonly bytes: number
  readonly input: NodeInput
  readonly rows: readonly number[] | undefined
  /** Its records are in no order but that in which they came: they are not put into another. Default: false. */
  readonly asItComes?: boolean | undefined
}

/** What one sink outside of the log stores of one pass. */
export interface OutsideOutput {
  readonly outside: string
  readonly records: readonly StagedRecord[]
  readonly input: NodeInput
  readonly rows: readonly number[] | undefined
}

/** What any sink makes of what it is given. */
export type NodeOutput = SinkOutput | OutsideOutput

/** What a pass writes, ready for the writer. */
export interface PassOutput {
  /** For sinks outside of the log, by node: those of a partition in the order of their offsets. */
  readonly outside?: ReadonlyMap<string, readonly StagedRecord[]> | undefined
  readonly writes: readonly WriteBatch[]
  readonly bytes: number
}

const NO_OUTPUT: PassOutput = Object.freeze({ writes: [], bytes: 0 })

export function sinkOutput(write: WriteBatch, input: NodeInput, rows: readonly number[] | undefined): SinkOutput {
  let bytes = columnByteLength(write.keys) + columnByteLength(write.values)
  if (write.headers !== undefined) for (const headers of write.headers) bytes += headerBytes(headers)
  return { write, bytes, input, rows }
}

/** What is left of an output without what came of some records of the source batch; undefined if nothing is. */
export function outputWithoutRows(output: NodeOutput, left: ReadonlySet<number>): NodeOutput | undefined {
  if ('outside' in output) return outsideWithoutRows(output, left)
  const { write, input, rows, asItComes } = output
  const kept: number[] = []
  for (let at = 0; at < write.length; at++) if (!left.has(sourceRow(input, rows?.[at] ?? at))) kept.push(at)
  if (kept.length === 0) return undefined
  const picked = sinkOutput(
    pickRows(write, kept),
    input,
    kept.map((at) => rows?.[at] ?? at),
  )
  return { ...picked, asItComes }
}

/** The records of a batch at `rows`, ascending. */
export function pickRows(write: WriteBatch, rows: readonly number[]): WriteBatch {
  if (rows.length === write.length) return write
  return {
    topic: write.topic,
    length: rows.length,
    keys: viewColumn(rows.map((row) => bytesAt(write.keys, row))),
    values: viewColumn(rows.map((row) => bytesAt(write.values, row))),
    timestamps: rows.map((row) => write.timestamps[row] as number),
    headers: write.headers === undefined ? undefined : rows.map((row) => write.headers?.[row]),
    partitions: write.partitions === undefined ? undefined : rows.map((row) => write.partitions?.[row] ?? -1),
  }
}

/**
 * One batch for each topic. Where several sinks wrote to the same topic, their records are put in the order in which record-at-a-time
 * processing would have written them.
 */
export function mergeSinkOutputs(outputs: readonly NodeOutput[]): PassOutput {
  if (outputs.length === 0) return NO_OUTPUT
  const outside = mergeOutside(outputs.filter((output) => 'outside' in output))
  const byTopic = new Map<string, SinkOutput[]>()
  let bytes = 0
  for (const output of outputs) {
    if ('outside' in output) continue
    bytes += output.bytes
    const same = byTopic.get(output.write.topic)
    if (same === undefined) byTopic.set(output.write.topic, [output])
    else same.push(output)
  }
  const writes: WriteBatch[] = []
  for (const same of byTopic.values()) writes.push(same.length === 1 ? (same[0] as SinkOutput).write : mergeTopic(same))
  return { writes, bytes, outside }
}

function outsideWithoutRows(output: OutsideOutput, left: ReadonlySet<number>): OutsideOutput | undefined {
  const { records, input, rows } = output
  const kept: number[] = []
  for (let at = 0; at < records.length; at++) if (!left.has(sourceRow(input, rows?.[at] ?? at))) kept.push(at)
  if (kept.length === 0) return undefined
  return { ...output, records: kept.map((at) => records[at] as StagedRecord), rows: kept.map((at) => rows?.[at] ?? at) }
}

/** By node. Where a batch was taken apart, or records are done in no order, they are put in that of their offsets. */
function mergeOutside(outputs: readonly OutsideOutput[]): PassOutput['outside'] {
  if (outputs.length === 0) return undefined
  const byNode = new Map<string, StagedRecord[]>()
  for (const { outside, records } of outputs) {
    const same = byNode.get(outside)
    if (same === undefined) byNode.set(outside, [...records])
    else same.push(...records)
  }
  for (const records of byNode.values()) if (!ascend(records)) records.sort((a, b) => a.offset - b.offset)
  return byNode
}

function ascend(records: readonly StagedRecord[]): boolean {
  for (let at = 1; at < records.length; at++)
    if ((records[at] as StagedRecord).offset < (records[at - 1] as StagedRecord).offset) return false
  return true
}

function mergeTopic(outputs: readonly SinkOutput[]): WriteBatch {
  const order: { path: number[]; write: WriteBatch; at: number }[] = []
  for (const { write, input, rows } of outputs) {
    for (let at = 0; at < write.length; at++) order.push({ path: pathOf(input, rows?.[at] ?? at), write, at })
  }
  if (!outputs.some(({ asItComes }) => asItComes === true)) order.sort((a, b) => comparePaths(a.path, b.path))
  const column = (pick: (write: WriteBatch) => BytesColumn) => viewColumn(order.map(({ write, at }) => bytesAt(pick(write), at)))
  const headers: (Headers | undefined)[] | undefined = order.some(({ write }) => write.headers !== undefined)
    ? order.map(({ write, at }) => write.headers?.[at])
    : undefined
  const partitions = order.some(({ write }) => write.partitions !== undefined)
    ? order.map(({ write, at }) => write.partitions?.[at] ?? -1)
    : undefined
  return {
    topic: (outputs[0] as SinkOutput).write.topic,
    length: order.length,
    keys: column((write) => write.keys),
    values: column((write) => write.values),
    timestamps: order.map(({ write, at }) => write.timestamps[at] as number),
    headers,
    partitions,
  }
}

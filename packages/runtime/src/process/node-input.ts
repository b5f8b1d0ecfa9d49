import { type BatchTrigger, ColumnBatch, type Headers, NO_HEADERS } from '@millrace/core'
import type { Gathered } from './gathered.ts'

/** Where the records of a node's input come from: the source, one output of one node, or several of those, merged, or some of them. */
type Origin =
  | { readonly kind: 'source'; readonly edge: number }
  | { readonly kind: 'output'; readonly output: Gathered; readonly edge: number }
  | { readonly kind: 'merged'; readonly inputs: readonly NodeInput[]; readonly which: readonly number[]; readonly index: readonly number[] }

/** What one node is given in one pass. */
export interface NodeInput {
  readonly batch: ColumnBatch<unknown, unknown>
  readonly origin: Origin
  /** Stream time for records that come from no source record (punctuators). */
  readonly streamTime: number
  /** The time a punctuator was called with: the timestamp of what it forwards without one. */
  readonly punctuatedAt?: number | undefined
  /** The node that forwarded them, where it is one. */
  readonly parent?: string | undefined
}

/**
 * The place of record `i` in the depth-first walk that record-at-a-time processing would make: numbers that compare from the left. It is
 * [index in the source batch, which edge, then for each node on the way: which forward, which edge].
 */
export function pathOf(input: NodeInput, i: number): number[] {
  const origin = input.origin
  if (origin.kind === 'source') return [i, origin.edge]
  if (origin.kind === 'merged') return pathOf(origin.inputs[origin.which[i] as number] as NodeInput, origin.index[i] as number)
  const parent = origin.output.parentOf(i)
  const path = parent < 0 ? [-1] : pathOf(origin.output.input, parent)
  path.push(origin.output.sequences?.[i] ?? i, origin.edge)
  return path
}

/** The index, in the source batch, of the record that record `i` comes from; -1 if it comes from a punctuator. */
export function sourceRow(input: NodeInput, i: number): number {
  return pathOf(input, i)[0] as number
}

export function comparePaths(a: readonly number[], b: readonly number[]): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** The records of all `inputs` in the order in which record-at-a-time processing would have delivered them: `which` input, `index` there. */
function mergeOrder(inputs: readonly NodeInput[]): { which: number[]; index: number[] } {
  const rows: { path: number[]; which: number; index: number }[] = []
  for (let which = 0; which < inputs.length; which++) {
    const input = inputs[which] as NodeInput
    for (let index = 0; index < input.batch.length; index++) rows.push({ path: pathOf(input, index), which, index })
  }
  rows.sort((a, b) => comparePaths(a.path, b.path))
  return { which: rows.map((row) => row.which), index: rows.map((row) => row.index) }
}

/** A batch without records: of what comes from a punctuator, or is no record of a node's. */
export function noRecords(partition: number, trigger: BatchTrigger): ColumnBatch<unknown, unknown> {
  return new ColumnBatch({ topic: '', partition, trigger, keys: [], values: [], timestamps: [], offsets: [], streamTimes: [] })
}

/** One input of several, where ways meet again. */
export function mergeInputs(inputs: readonly NodeInput[]): NodeInput {
  if (inputs.length === 1) return inputs[0] as NodeInput
  const { which, index } = mergeOrder(inputs)
  return gatherInputs(inputs, which, index)
}

/** What comes of the records of the source batch that `keep` tells by their row; undefined if nothing does. */
export function whereRow(input: NodeInput, keep: (row: number) => boolean): NodeInput | undefined {
  const index: number[] = []
  for (let i = 0; i < input.batch.length; i++) if (keep(sourceRow(input, i))) index.push(i)
  if (index.length === input.batch.length) return input
  return index.length === 0 ? undefined : selectRecords(input, index)
}

/** What comes of the records of the source batch up to each of `ends`, from the one before it on; undefined where nothing does. */
export function splitAtRows(input: NodeInput, ends: readonly number[]): (NodeInput | undefined)[] {
  const parts: number[][] = ends.map(() => [])
  let part = 0
  for (let i = 0; i < input.batch.length; i++) {
    const row = sourceRow(input, i)
    // They ascend, mostly.
    while (part > 0 && row < (ends[part - 1] as number)) part--
    while (row >= (ends[part] as number)) part++
    ;(parts[part] as number[]).push(i)
  }
  return parts.map((index) => {
    if (index.length === input.batch.length) return input
    return index.length === 0 ? undefined : selectRecords(input, index)
  })
}

/** The records at `index`, ascending. */
export function selectRecords(input: NodeInput, index: readonly number[]): NodeInput {
  return gatherInputs([input], new Array<number>(index.length).fill(0), index)
}

/** Record `index[i]` of input `which[i]`, for each `i`. */
function gatherInputs(inputs: readonly NodeInput[], which: readonly number[], index: readonly number[]): NodeInput {
  const first = inputs[0] as NodeInput
  const count = which.length
  const keys = new Array<unknown>(count)
  const values = new Array<unknown>(count)
  const timestamps = new Array<number>(count)
  const offsets = new Array<number>(count)
  const streamTimes = new Array<number>(count)
  let headers: Headers[] | undefined
  for (let i = 0; i < count; i++) {
    const batch = (inputs[which[i] as number] as NodeInput).batch
    const at = index[i] as number
    keys[i] = batch.keys[at]
    values[i] = batch.values[at]
    timestamps[i] = batch.timestamp(at)
    offsets[i] = batch.offset(at)
    streamTimes[i] = batch.streamTime(at)
    const own = batch.headers(at)
    if (own.length > 0) (headers ??= new Array<Headers>(count).fill(NO_HEADERS))[i] = own
  }
  const { topic, partition, trigger } = first.batch
  const batch = new ColumnBatch({ topic, partition, trigger, keys, values, timestamps, headers, offsets, streamTimes })
  const parent = inputs.length === 1 ? first.parent : undefined
  return { batch, origin: { kind: 'merged', inputs, which, index }, streamTime: first.streamTime, parent }
}

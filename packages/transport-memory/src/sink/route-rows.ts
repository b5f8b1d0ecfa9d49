import { bytesAt, murmur2, partitionForHash, type WriteBatch } from '@millrace/core'
import { unknownPartition } from '../internal/errors.ts'
import { rowByteLength, type SelectedRows } from '../log/fill-segment.ts'
import type { Spread } from './spread.ts'

/** The records of a batch that go to one partition, in the batch's order. */
export interface RoutedRows extends SelectedRows {
  readonly partition: number
}

/** Sorts a batch by partition: those asked for, else by key as Kafka's default partitioner does, else spread. */
export function routeRows(batch: WriteBatch, partitions: number, spread: Spread): readonly RoutedRows[] {
  const { length } = batch
  if (length === 0) return []
  if (partitions === 1 && batch.partitions === undefined) return [{ batch, partition: 0, rows: undefined, from: 0, to: length }]
  const targets = new Int32Array(length)
  spread.turn()
  for (let i = 0; i < length; i++) targets[i] = targetOf(batch, i, { partitions, spread })
  return sortByTarget(batch, targets, partitions)
}

function targetOf(batch: WriteBatch, i: number, to: { readonly partitions: number; readonly spread: Spread }): number {
  const asked = batch.partitions?.[i] ?? -1
  if (asked >= to.partitions || asked < -1) throw unknownPartition('sink', batch.topic, asked, to.partitions)
  if (asked >= 0) return asked
  const { keys } = batch
  if (keys.form === 'packed') {
    const end = keys.ends[i] as number
    if (end >= 0) return partitionForHash(murmur2(keys.bytes, keys.starts[i], end), to.partitions)
  } else {
    const key = bytesAt(keys, i)
    if (key !== null) return partitionForHash(murmur2(key), to.partitions)
  }
  return to.spread.next(rowByteLength(batch, i), to.partitions)
}

/** A counting sort, which keeps the order within a partition. */
function sortByTarget(batch: WriteBatch, targets: Int32Array, partitions: number): readonly RoutedRows[] {
  const next = new Int32Array(partitions + 1)
  for (let i = 0; i < targets.length; i++) (next[(targets[i] as number) + 1] as number)++
  for (let p = 0; p < partitions; p++) (next[p + 1] as number) += next[p] as number
  const starts = next.slice()
  const rows = new Int32Array(targets.length)
  for (let i = 0; i < targets.length; i++) {
    const target = targets[i] as number
    rows[next[target] as number] = i
    ;(next[target] as number)++
  }
  const routed: RoutedRows[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const from = starts[partition] as number
    const to = starts[partition + 1] as number
    if (to > from) routed.push({ batch, partition, rows, from, to })
  }
  return routed
}

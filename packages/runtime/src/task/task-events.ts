import type { BatchTrigger, ColumnBatch, RuntimeEvent } from '@millrace/core'
import type { NodeInput } from '../process/node-input.ts'
import type { NodeListener } from '../process/pipeline.ts'

type Emit = (event: RuntimeEvent) => void

/** A batch that was cut, and what it was cut from. */
export interface Cut {
  readonly task: string
  /** The source. */
  readonly node: string
  readonly batch: ColumnBatch<unknown, unknown>
  readonly bytes: number
  /** Of its oldest record, in the queue. */
  readonly ageMs: number
  readonly decodeMs: number
  /** Several batches that were processed at once; undefined: it is one. */
  readonly cuts: readonly PartOfCut[] | undefined
}

/** One of several batches. */
export interface PartOfCut {
  readonly records: number
  readonly bytes: number
  readonly trigger: BatchTrigger
}

/** Tells of what was read, and of each batch that was cut of it. */
export function tellCut(emit: Emit, { task, node, batch, bytes, ageMs, decodeMs, cuts }: Cut): void {
  const { topic, partition, trigger, length: records } = batch
  emit({ type: 'batch', stage: 'source', node, task, topic, partition, records, bytes, trigger, durationMs: decodeMs })
  const age = Math.max(0, ageMs)
  if (cuts === undefined) {
    emit({ type: 'cut', stage: 'batch', task, topic, partition, records, bytes, trigger, ageMs: age })
    return
  }
  for (const cut of cuts)
    emit({
      type: 'cut',
      stage: 'batch',
      task,
      topic,
      partition,
      records: cut.records,
      bytes: cut.bytes,
      trigger: cut.trigger,
      ageMs: age,
    })
}

/** Tells of every batch that went through a node of `task`. */
export function nodeTeller(task: string, emit: Emit): NodeListener {
  return (node, inputs, { batch }, { bytes, durationMs }) => {
    const { topic, partition, trigger, length: records } = batch
    const stage = node.kind === 'processor' ? 'process' : 'sink'
    const from = node.parents.length > 1 ? inputs.flatMap(fromParent) : undefined
    emit({ type: 'batch', stage, node: node.name, task, topic, partition, records, bytes, trigger, durationMs, from })
  }
}

function fromParent({ parent, batch }: NodeInput): { readonly node: string; readonly records: number }[] {
  return parent === undefined ? [] : [{ node: parent, records: batch.length }]
}

export function ignoreNode(): void {}

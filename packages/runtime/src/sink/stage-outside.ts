import { BatchRecordError, MillraceError, type OpenOutsideSink, type StagedRecord } from '@millrace/core'
import type { NodeInput } from '../process/node-input.ts'
import type { OutsideOutput } from './sink-output.ts'

/** A sink outside of the log as a task runs it. */
export interface RunningOutsideSink {
  readonly node: string
  readonly sink: OpenOutsideSink<unknown, unknown>
}

/** What a sink outside of the log makes of what it was given. Throws an error that names the record that it can't take. */
export function stageOutside({ node, sink }: RunningOutsideSink, input: NodeInput): OutsideOutput {
  const { batch } = input
  const { topic, partition } = batch
  let staged: readonly unknown[]
  try {
    staged = sink.stage(batch)
  } catch (error) {
    const offset = error instanceof BatchRecordError ? batch.offset(error.index) : undefined
    const cause = error instanceof BatchRecordError ? error.cause : error
    const reason = cause instanceof Error ? cause.message : String(cause)
    const at = offset === undefined ? '' : ` that comes from ${topic}-${partition}, offset ${offset}`
    throw new MillraceError('SERIALIZATION_FAILED', `Sink '${node}' can't store a record${at}: ${reason}`, {
      ...{ stage: 'sink', cause, node, topic, partition, offset },
    })
  }
  const records = staged.map((one, i): StagedRecord => ({
    topic,
    partition,
    offset: batch.offset(i),
    timestamp: batch.timestamp(i),
    staged: one,
  }))
  return { outside: node, records, input, rows: undefined }
}

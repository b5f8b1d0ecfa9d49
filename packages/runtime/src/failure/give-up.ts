import {
  deadLetterHeaders,
  FAILURE_POLICIES,
  type FailedRecord,
  type FailurePolicy,
  type Logger,
  type ResolvedFailureOptions,
  type RuntimeEvent,
  viewColumn,
} from '@millrace/core'
import { noRecords } from '../process/node-input.ts'
import { sinkOutput, type SinkOutput } from '../sink/sink-output.ts'
import type { TopicDirectory } from '../sink/topic-directory.ts'

const EVENT_STAGES = { decode: 'source', process: 'process', produce: 'sink' } as const

export interface GivingUp {
  /** The record's row in what is being processed: its place among what is written of that. */
  readonly row: number
  readonly failure: ResolvedFailureOptions
  readonly applicationId: string
  readonly task: string
  readonly directory: TopicDirectory
  readonly logger: Logger
  readonly emit: ((event: RuntimeEvent) => void) | undefined
}

/**
 * Does with a record that failed for good what the policy of its stage says. Resolves to the dead letter, which is written and committed as output is;
 * undefined if there is none. Rejects with `located`, the error that says where it failed, if the application is to fail.
 */
export async function giveUp(record: FailedRecord, located: unknown, options: GivingUp): Promise<SinkOutput | undefined> {
  const policy = await decide(record, options.failure[record.stage])
  if (policy === 'fail') throw located
  const { node, topic, partition, offset, error, attempts, key, value, headers, timestamp } = record
  const at = { node, topic, partition, offset, attempts }
  let output: SinkOutput | undefined
  if (policy === 'skip') options.logger.warn({ task: options.task, ...at, err: error }, 'a record that failed was skipped')
  else output = await deadLetter(record, options)
  options.emit?.({
    type: 'failure',
    stage: EVENT_STAGES[record.stage],
    policy,
    task: options.task,
    ...at,
    error,
    record: { key, value, headers, timestamp },
  })
  return output
}

async function decide(record: FailedRecord, policy: ResolvedFailureOptions['process']): Promise<FailurePolicy> {
  if (typeof policy !== 'function') return policy
  const decided = await policy(record)
  if (FAILURE_POLICIES.includes(decided)) return decided
  throw new TypeError(`The failure handler of stage '${record.stage}' returned ${String(decided)}; return 'fail', 'skip' or 'dead-letter'.`)
}

function chosen(topic: unknown, { topic: from, partition, offset }: FailedRecord): string {
  if (typeof topic === 'string' && topic !== '') return topic
  throw new TypeError(
    `failure.deadLetter.topic returned ${String(topic)} for the record at ${from}-${partition}, offset ${offset}: return the name of a topic.`,
  )
}

async function deadLetter(
  record: FailedRecord,
  { row, failure, applicationId, directory, logger, task }: GivingUp,
): Promise<SinkOutput | undefined> {
  const { deadLetter: options, handleDeadLetter } = failure
  const { topic, partition, offset, key, value, headers, timestamp } = record
  if (handleDeadLetter !== undefined) await handleDeadLetter(record, record.error)
  const target = typeof options.topic === 'function' ? chosen(options.topic(record), record) : options.topic
  if (target === undefined) {
    if (handleDeadLetter === undefined) {
      logger.error(
        { task, topic, partition, offset, timestamp, key, value, headers, err: record.error },
        'a dead letter: a record that failed',
      )
    }
    return undefined
  }
  // One that does not exist is named at once, before anything of the batch is written.
  await directory.partitions(target)
  const write = {
    topic: target,
    length: 1,
    keys: viewColumn([key]),
    values: viewColumn([value]),
    timestamps: [timestamp],
    headers: [deadLetterHeaders(record, applicationId, options)],
  }
  // Its place among what is written of its batch: behind all that came of the records before it.
  const input = { batch: noRecords(partition, 'demand'), origin: { kind: 'source', edge: 0 }, streamTime: timestamp } as const
  return sinkOutput(write, input, [row])
}

import { partitionKey, type PollResult, type RecordSource, type Transport, type TransportContext } from '@millrace/core'
import type { RunnableDefinition } from '../app/resolve-definition.ts'
import type { RestoreJob } from './restore-job.ts'

/** Records of one poll: few enough to be garbage before they are moved among what lives long, which costs time, and much memory. */
const MAX_POLL_RECORDS = 2_000
/** What may be read and not yet written, over all stores: more is not read. */
const MAX_WAITING_RECORDS = 8_000
const MAX_WAITING_BYTES = 16_777_216

export interface ChangelogReading {
  readonly transport: Transport
  readonly context: TransportContext
}

/** A reader of changelogs, without a group; `purpose` names it. */
export function openChangelogSource(
  { transport, context }: ChangelogReading,
  { applicationId, processingGuarantee }: RunnableDefinition,
  purpose: 'restore' | 'standby',
): Promise<RecordSource> {
  const isolation = processingGuarantee === 'exactly-once' ? 'read-committed' : 'read-uncommitted'
  return transport.openSource({ clientId: `${applicationId}-${purpose}`, isolation, maxPollRecords: MAX_POLL_RECORDS }, context)
}

/** Whether more may be read: what waits to be written is bounded. */
export function hasRoom(jobs: Iterable<RestoreJob>): boolean {
  let records = 0
  let bytes = 0
  for (const job of jobs) {
    records += job.waitingRecords
    bytes += job.waitingBytes
  }
  return records < MAX_WAITING_RECORDS && bytes < MAX_WAITING_BYTES
}

/**
 * Hands what was read to the job of its changelog, by partition: it is written while more is read. Returns the jobs whose changelog was read to an end
 * before theirs.
 */
export function distribute({ batches, ends }: PollResult, open: ReadonlyMap<string, RestoreJob>): RestoreJob[] {
  const short: RestoreJob[] = []
  for (const wire of batches) {
    const job = open.get(partitionKey(wire.topic, wire.partition))
    if (job === undefined) wire.release()
    else job.offer(wire)
  }
  for (const { topic, partition, offset } of ends) {
    const job = open.get(partitionKey(topic, partition))
    job?.offerEnd(offset)
    if (job !== undefined && offset < job.to) short.push(job)
  }
  return short
}

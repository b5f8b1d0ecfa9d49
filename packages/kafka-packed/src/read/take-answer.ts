import { loadCodec } from '../compression/codecs.ts'
import { PackedError } from '../errors/packed-error.ts'
import { CODE, mayPass, refusal } from '../errors/protocol-codes.ts'
import { BatchReader } from '../records/batch-reader.ts'
import type { PartitionAnswer } from '../wire/fetch.ts'
import type { PartitionFetch } from './partition-fetch.ts'
import type { ResolvedReaderOptions } from './reader-options.ts'

export interface AnswerContext {
  readonly options: ResolvedReaderOptions
  /** Of the request. */
  readonly generation: number
  /** Another than the leader was asked, which may be behind it. */
  readonly isReplica: boolean
  /** By what is known of the cluster. */
  readonly isMadeAnew: boolean
  readonly brokers: ReadonlyMap<number, unknown>
}

/** `again`: it passes, but not at once. `elsewhere`: another replica is asked, at once. `failed`: the partition stands still, and says why. */
export type AnswerOutcome = 'good' | 'elsewhere' | 'again' | 'failed'

/** Puts what was answered to its partition. */
export function takeAnswer(
  partition: PartitionFetch,
  answer: PartitionAnswer,
  context: AnswerContext,
): AnswerOutcome | Promise<AnswerOutcome> {
  if (answer.code !== CODE.none) return refused(partition, answer, context)
  const { options, brokers } = context
  if (answer.diverging !== undefined) return context.isReplica ? 'again' : diverged(partition, answer.diverging)
  partition.bounds(answer, options.isolation === 'read-committed')
  const { records, preferredReplica } = answer
  if (records !== null && records.length > 0) return arrived(partition, records, { answer, context })
  // One that nobody has told of yet: the broker names it again at once, as often as it is asked.
  if (preferredReplica >= 0 && !brokers.has(preferredReplica)) return 'again'
  if (preferredReplica >= 0) {
    // As long as metadata is believed, as Java's clients: then the leader is asked again.
    partition.replica = { node: preferredReplica, until: options.clock.monotonic() + options.connect.metadataMaxAgeMs }
    return 'elsewhere'
  }
  return 'good'
}

interface Arrival {
  readonly answer: PartitionAnswer
  readonly context: AnswerContext
}

async function arrived(partition: PartitionFetch, records: Uint8Array, { answer, context }: Arrival): Promise<AnswerOutcome> {
  const { options, generation } = context
  const reader = new BatchReader(records, {
    fromOffset: partition.fetchOffset,
    checkCrcs: options.checkCrcs,
    ...(options.isolation === 'read-committed' && { aborted: answer.aborted }),
  })
  try {
    for (const compression of reader.missing()) await loadCodec(compression)
  } catch (error) {
    return fail(partition, new PackedError((error as Error).message, { kind: 'unsupported', cause: error }))
  }
  if (partition.generation !== generation) return 'good'
  const extent = reader.extent()
  if (extent === undefined) {
    const where = `offset ${partition.fetchOffset} of ${partition.topic}-${partition.partition}`
    return fail(partition, new PackedError(`What is at ${where} is no whole record batch.`, { kind: 'malformed' }))
  }
  partition.push(reader, extent, records.length)
  return 'good'
}

function refused(partition: PartitionFetch, { code }: PartitionAnswer, { isReplica, isMadeAnew }: AnswerContext): AnswerOutcome {
  const { topic, fetchOffset } = partition
  // A replica may be behind the leader, or not have what was moved to another tier: only the leader's word counts.
  if (isReplica || code === CODE.unknownServerError) return 'again'
  if (code === CODE.unknownTopicId && isMadeAnew) return fail(partition, madeAnew(partition))
  const error = refusal(code, `read ${topic}-${partition.partition} at offset ${fetchOffset}`)
  if (mayPass(error)) return 'again'
  return fail(partition, error)
}

/** The log has lost what was read from there on, and has other records instead, or none (KIP-320). */
function diverged(partition: PartitionFetch, diverging: NonNullable<PartitionAnswer['diverging']>): AnswerOutcome {
  const { topic, position } = partition
  const from = partition.partsAt(diverging)
  // Only what was read ahead, and not polled, is lost.
  if (from >= position) {
    partition.drop()
    return 'again'
  }
  const lost = from < 0 ? 'nobody can tell which' : `from offset ${from} on`
  const message = `${topic}-${partition.partition} has lost records, ${lost}, which were read: up to ${position} (a leader without them was elected).`
  return fail(partition, new PackedError(message, { kind: 'truncated' }))
}

/** Its offsets are those of other records. */
export function madeAnew({ topic, partition, position }: PartitionFetch): PackedError {
  const message = `Topic ${topic} was deleted and made anew: what was read of partition ${partition}, up to ${position}, is gone, and its offsets are of other records.`
  return new PackedError(message, { kind: 'truncated' })
}

function fail(partition: PartitionFetch, error: PackedError): AnswerOutcome {
  partition.error = error
  return 'failed'
}

import { COMPRESSIONS, type Compression, type RecordSourceOptions, type RecordWriterOptions } from '@millrace/core'
import type { GroupOptions, ReaderOptions, WriterOptions } from '@millrace/kafka-packed'
import { DEFAULT_TRANSACTION_TIMEOUT_MS, deliveryTimeoutMs, remoteAssignor } from '../confluent/configuration.ts'
import type { ClientProperties } from '../kafka-options.ts'
import { textOf } from '../settings/property-text.ts'
import { memberName } from './member-name.ts'
import type { ResolvedKafkaOptions } from './resolve-options.ts'

/** Properties of librdkafka's that the packed client has something like, or that change nothing. */
const KNOWN: ReadonlySet<string> = new Set([
  'acks',
  'auto.commit.enable',
  'auto.offset.reset',
  'batch.size',
  'check.crcs',
  'client.rack',
  'compression.codec',
  'compression.type',
  'delivery.report.only.error',
  'delivery.timeout.ms',
  'enable.auto.commit',
  'enable.auto.offset.store',
  'enable.idempotence',
  'enable.partition.eof',
  'enable.ssl.certificate.verification',
  'fetch.max.bytes',
  'fetch.message.max.bytes',
  'fetch.min.bytes',
  'fetch.wait.max.ms',
  'heartbeat.interval.ms',
  'linger.ms',
  'max.partition.fetch.bytes',
  'max.poll.interval.ms',
  'message.max.bytes',
  'message.timeout.ms',
  'oauthbearer_token_refresh_cb',
  'partitioner',
  'queue.buffering.max.kbytes',
  'queued.max.messages.kbytes',
  'request.required.acks',
  'sasl.mechanism',
  'sasl.mechanisms',
  'sasl.oauthbearer.config',
  'sasl.password',
  'sasl.username',
  'security.protocol',
  'session.timeout.ms',
  'topic.metadata.refresh.interval.ms',
])

/** Those of TLS are looked at when it connects. */
export function isOfPacked(name: string): boolean {
  return KNOWN.has(name) || name.startsWith('ssl.')
}

/** A property that is a number; undefined where it is not set. Throws a `TypeError` for what is none. */
function numberOf(properties: ClientProperties, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = properties[name]
    if (value === undefined) continue
    const number = Number(value)
    if (value === '' || !Number.isFinite(number))
      throw new TypeError(`kafka() was given '${name}' as ${JSON.stringify(value)}: use a number.`)
    return number
  }
  return undefined
}

const KIB = 1024

/** What fits most is as for the other client; what is set wins. */
export function readerSettings({ properties, consumer }: ResolvedKafkaOptions): Partial<ReaderOptions> {
  const all = { ...properties, ...consumer }
  const bufferedKib = numberOf(all, 'queued.max.messages.kbytes')
  return {
    maxWaitMs: numberOf(all, 'fetch.wait.max.ms') ?? 100,
    minBytes: numberOf(all, 'fetch.min.bytes'),
    maxFetchBytes: numberOf(all, 'fetch.max.bytes') ?? 8 * KIB * KIB,
    maxPartitionBytes: numberOf(all, 'max.partition.fetch.bytes', 'fetch.message.max.bytes'),
    maxBufferedBytes: bufferedKib === undefined ? 32 * KIB * KIB : bufferedKib * KIB,
    rack: textOf(all, 'client.rack'),
    checkCrcs: textOf(all, 'check.crcs') === 'true',
  }
}

export function groupSettings(
  { properties, consumer, ...options }: ResolvedKafkaOptions,
  { coLocate = false, warm, standbys, member }: Pick<RecordSourceOptions, 'coLocate' | 'warm' | 'standbys' | 'member'>,
): Partial<GroupOptions> {
  const all = { ...properties, ...consumer }
  const { groupProtocol, groupInstanceId } = options
  return {
    groupProtocol,
    groupInstanceId: memberName(groupInstanceId, member),
    ...(groupProtocol === 'classic'
      ? { coLocate, warm, standbys: standbys && { replicas: standbys.replicas, topics: standbys.topics } }
      : { serverAssignor: remoteAssignor(coLocate) }),
    sessionTimeoutMs: numberOf(all, 'session.timeout.ms'),
    heartbeatIntervalMs: numberOf(all, 'heartbeat.interval.ms'),
    rebalanceTimeoutMs: numberOf(all, 'max.poll.interval.ms'),
    topicsMaxAgeMs: numberOf(all, 'topic.metadata.refresh.interval.ms'),
  }
}

export function writerSettings(options: ResolvedKafkaOptions, writer: RecordWriterOptions): Partial<WriterOptions> {
  const { transactionalId, transactionTimeoutMs = DEFAULT_TRANSACTION_TIMEOUT_MS, deliveryReports } = writer
  const all = { ...options.properties, ...options.producer }
  const isTransactional = transactionalId !== undefined
  return {
    compression: writer.compression ?? compressionOf(textOf(all, 'compression.codec') ?? textOf(all, 'compression.type') ?? 'lz4'),
    // Who waits for reports has batches already, which are written whole: nothing is to be waited for.
    lingerMs: numberOf(all, 'linger.ms') ?? (deliveryReports === true ? 0 : 10),
    // As the other client does: what is set for records holds for batches.
    batchBytes: Math.min(numberOf(all, 'batch.size') ?? BATCH_BYTES, maxRecordBytes(options)),
    maxBufferedBytes: queueBytes(all),
    // Nothing may be tried for longer than the transaction lives that it belongs to.
    deliveryTimeoutMs: isTransactional ? transactionTimeoutMs : deliveryTimeoutMs(options),
    ...(isTransactional && { transactionalId, transactionTimeoutMs }),
  }
}

/** As the writer's own defaults. */
const BATCH_BYTES = 512 * KIB
const QUEUE_KIB = 64 * KIB

function queueBytes(properties: ClientProperties): number {
  return (numberOf(properties, 'queue.buffering.max.kbytes') ?? QUEUE_KIB) * KIB
}

/** How much of a batch is queued at once: a queue takes this much more than it may hold. */
export function portionBytes({ properties, producer }: ResolvedKafkaOptions): number {
  return queueBytes({ ...properties, ...producer }) / 4
}

/** As the other client's default. */
const MAX_RECORD_BYTES = 1_000_000

/** Key, value and headers of a record, not compressed. */
export function maxRecordBytes({ properties, producer }: ResolvedKafkaOptions): number {
  return numberOf({ ...properties, ...producer }, 'message.max.bytes') ?? MAX_RECORD_BYTES
}

function compressionOf(name: string): Compression {
  const found = COMPRESSIONS.find((one) => one === name)
  if (found === undefined) throw new TypeError(`kafka() was given compression '${name}': use ${COMPRESSIONS.join(', ')}.`)
  return found
}

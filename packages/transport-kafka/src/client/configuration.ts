import type { RecordSourceOptions, RecordWriterOptions } from '@millrace/core'
import type { ResolvedKafkaOptions } from '../kafka-options.ts'

type Configuration = Record<string, unknown>

function common(options: ResolvedKafkaOptions, clientId: string): Configuration {
  return {
    'bootstrap.servers': options.brokers,
    'client.id': clientId,
    'socket.connection.setup.timeout.ms': Math.min(options.connectTimeoutMs, 30_000),
    'reconnect.backoff.max.ms': 2_000,
    // 6 keeps librdkafka from writing to standard error itself; events go to the logger.
    log_level: 6,
    ...options.client,
  }
}

/**
 * `fetch.queue.backoff.ms` is 1,000 by default: a fast reader empties the queue and waits for most of a second. `fetch.wait.max.ms` bounds how
 * long a resumed or newly assigned partition waits behind an idle fetch.
 */
const CONSUMER: Configuration = {
  // Where to begin is decided by the sources' startAt; an offset that is gone must be an error, not a jump.
  'auto.offset.reset': 'error',
  'enable.auto.commit': false,
  'enable.auto.offset.store': false,
  'enable.partition.eof': true,
  'allow.auto.create.topics': false,
  'fetch.queue.backoff.ms': 2,
  'fetch.wait.max.ms': 100,
  'queued.min.messages': 100_000,
  'queued.max.messages.kbytes': 65_536,
  'topic.metadata.refresh.interval.ms': 30_000,
}

const PRODUCER: Configuration = {
  acks: 'all',
  // As Java's default partitioner; librdkafka's own is CRC32.
  partitioner: 'murmur2_random',
  'enable.idempotence': true,
  // Topics are there before anything is written: an unknown one is an error soon, not after half a minute.
  'topic.metadata.propagation.max.ms': 5_000,
  'linger.ms': 5,
  'batch.size': 1_000_000,
  'batch.num.messages': 100_000,
  'queue.buffering.max.messages': 500_000,
  'queue.buffering.max.kbytes': 262_144,
  'compression.codec': 'lz4',
  // A report for each record would cost more than writing it; failures are reported all the same.
  'delivery.report.only.error': true,
}

/** What librdkafka knows as settings of topics, of those that a producer or consumer of groups uses. */
const TOPIC_PROPERTIES: ReadonlySet<string> = new Set([
  'acks',
  'auto.offset.reset',
  'compression.level',
  'consume.callback.max.messages',
  'delivery.timeout.ms',
  'message.timeout.ms',
  'partitioner',
  'queuing.strategy',
  'request.required.acks',
  'request.timeout.ms',
])

/** The two sets of settings that a client takes. */
export interface ClientConfiguration {
  readonly client: Configuration
  readonly topic: Configuration
}

/** Settings of topics are given apart: the client makes a set of its own for them, and drops those among the others without a word. */
function split(all: Configuration): ClientConfiguration {
  const client: Configuration = {}
  const topic: Configuration = {}
  for (const [name, value] of Object.entries(all)) (TOPIC_PROPERTIES.has(name) ? topic : client)[name] = value
  return { client, topic }
}

export function consumerConfiguration(options: ResolvedKafkaOptions, source: RecordSourceOptions): ClientConfiguration {
  return split({
    ...CONSUMER,
    ...common(options, source.clientId),
    'isolation.level': source.isolation === 'read-committed' ? 'read_committed' : 'read_uncommitted',
    // A reader without a group still needs a name for one; it never joins it.
    'group.id': source.groupId ?? `${source.clientId}-without-group`,
    ...(source.groupId === undefined ? {} : groupConfiguration(options, source.coLocate === true)),
    ...options.consumer,
  })
}

/** The limits of librdkafka: it takes no assignor of ours, and only range keeps equal partition numbers of several topics together. */
function groupConfiguration({ groupProtocol }: ResolvedKafkaOptions, coLocate: boolean): Configuration {
  if (groupProtocol === 'consumer') return { 'group.protocol': 'consumer', 'group.remote.assignor': coLocate ? 'range' : 'uniform' }
  return { 'partition.assignment.strategy': coLocate ? 'range' : 'cooperative-sticky' }
}

export function producerConfiguration(options: ResolvedKafkaOptions, writer: RecordWriterOptions): ClientConfiguration {
  const transactional =
    writer.transactionalId === undefined
      ? {}
      : { 'transactional.id': writer.transactionalId, 'transaction.timeout.ms': writer.transactionTimeoutMs ?? 10_000 }
  return split({ ...PRODUCER, ...common(options, writer.clientId), ...transactional, ...options.producer, dr_cb: true })
}

export function adminConfiguration(options: ResolvedKafkaOptions): Configuration {
  return { ...common(options, 'millrace-admin'), ...options.admin }
}

import type { IsolationLevel, RecordSourceOptions, RecordWriterOptions } from '@millrace/core'
import type { ResolvedKafkaOptions } from '../options/resolve-options.ts'
import type { GroupNature } from './consumer-callbacks.ts'
import type { Properties } from './raw-api.ts'

/** The two sets of properties that a client is made of. */
export interface Configuration {
  readonly properties: Properties
  readonly topicProperties: Properties
}

export const DEFAULT_TRANSACTION_TIMEOUT_MS = 10_000

/** As Java's delivery.timeout.ms: never longer. */
const MAX_DELIVERY_TIMEOUT_MS = 120_000
/** Restarts of brokers take that long. Longer than the shortest sessions: who has one of those, and wants the promise below, sets it. */
const MIN_DELIVERY_TIMEOUT_MS = 10_000
/** librdkafka's session.timeout.ms, and the default of brokers for groups of KIP-848. */
const DEFAULT_SESSION_TIMEOUT_MS = 45_000

/** What fits most, and users may change. Names are librdkafka's. */
const EVERYWHERE: Properties = {
  // Long enough for a restart of a broker not to be hammered, short enough for its return to be noticed.
  'reconnect.backoff.max.ms': 2_000,
  'socket.keepalive.enable': true,
  // Idle connections are closed by brokers after ten minutes: no news.
  'log.connection.close': false,
  // Connected to all brokers, not only to those that are needed: else the client answers each of its failures to connect by connecting again at
  // once, as long as a call of the admin API waits for a broker that is away, and takes a whole core for it. Writers ask about topics, too.
  'enable.sparse.connections': false,
}

const READING: Properties = {
  // 1,000 by default: a fast reader empties the queue and then waits most of a second.
  'fetch.queue.backoff.ms': 2,
  // Bounds how long a resumed partition waits for an idle fetch of others to come back.
  'fetch.wait.max.ms': 100,
  // What is read ahead: a tenth of a second of the fastest reader. A message costs the client some 450 bytes besides its own, which it does not count, so that
  // for small ones their number is the bound.
  'queued.min.messages': 30_000,
  'queued.max.messages.kbytes': 16_384,
  // How soon topics are found that begin to exist, or to match a pattern.
  'topic.metadata.refresh.interval.ms': 10_000,
}

/** The bounds of what is read ahead are overshot by what one answer holds: by so many bytes, before they are decompressed. */
const FETCH_BYTES = 1_048_576

const WRITING: Properties = {
  'linger.ms': 10,
  'batch.size': 1_000_000,
  'batch.num.messages': 100_000,
  'queue.buffering.max.messages': 500_000,
  'queue.buffering.max.kbytes': 131_072,
  'compression.codec': 'lz4',
}

/** Who waits for reports has batches already, and waits for nothing else. */
const SENDING: Properties = { 'linger.ms': 2 }

/**
 * Sixty seconds by default. While a broker that is connected does not answer, a thread of the client's that has more to send than it may have on its way does
 * not wait, and takes a whole core, until it gives the connection up. Transactional writers give it up that early by themselves.
 */
const GIVING_UP_SILENCE: Properties = { 'socket.timeout.ms': 10_000 }

export function consumerConfiguration(options: ResolvedKafkaOptions, source: RecordSourceOptions): Configuration {
  return split({
    ...EVERYWHERE,
    ...READING,
    'fetch.max.bytes': fetchBytes(options),
    ...options.properties,
    ...options.consumer,
    ...identity(options, source.clientId),
    // Without a group nothing is ever sent to the group named here, but there must be a name.
    'group.id': source.groupId ?? source.clientId,
    ...(source.groupId !== undefined && assignor(options, source.coLocate ?? false)),
    ...(source.groupId !== undefined && options.groupInstanceId !== undefined && { 'group.instance.id': options.groupInstanceId }),
    'isolation.level': isolationLevel(source.isolation),
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    // An offset that is gone is an error that names it, never a silent jump.
    'auto.offset.reset': 'error',
    'enable.partition.eof': true,
    'allow.auto.create.topics': false,
  })
}

/** The library insists that an answer has room for the largest message that its user expects. */
function fetchBytes({ properties, consumer }: ResolvedKafkaOptions): number {
  const largest = Number({ ...properties, ...consumer }['message.max.bytes'])
  return largest > FETCH_BYTES ? largest : FETCH_BYTES
}

export function producerConfiguration(options: ResolvedKafkaOptions, writer: RecordWriterOptions): Configuration {
  return split({
    ...EVERYWHERE,
    ...WRITING,
    ...(writer.transactionalId === undefined && GIVING_UP_SILENCE),
    'message.timeout.ms': defaultDeliveryTimeoutMs(options),
    ...(writer.deliveryReports === true && SENDING),
    ...options.properties,
    ...options.producer,
    ...(writer.compression !== undefined && { 'compression.codec': writer.compression }),
    ...identity(options, writer.clientId),
    acks: 'all',
    'enable.idempotence': true,
    // As Java's default; librdkafka's own is CRC32, which would part records of a key from those of other clients.
    partitioner: 'murmur2_random',
    // With a report for each record the event loop would do little else: only who asks gets them.
    'delivery.report.only.error': writer.deliveryReports !== true,
    dr_cb: true,
    // A property of consumers, says librdkafka, and heeds it all the same: no broker creates a topic because we write to it.
    'allow.auto.create.topics': false,
    ...(writer.transactionalId !== undefined && transactional(writer.transactionalId, writer.transactionTimeoutMs)),
  })
}

/** Nothing may be tried for longer than the transaction lives that it belongs to. */
function transactional(transactionalId: string, timeoutMs = DEFAULT_TRANSACTION_TIMEOUT_MS): Properties {
  return { 'transactional.id': transactionalId, 'transaction.timeout.ms': timeoutMs, 'message.timeout.ms': timeoutMs }
}

/**
 * Shorter than a session: what a process had yet to send when it was stopped for longer than that, it drops when it goes on, since the partitions
 * have gone to others by then.
 */
function defaultDeliveryTimeoutMs(options: ResolvedKafkaOptions): number {
  const sessionMs = sessionTimeoutMs(options) ?? DEFAULT_SESSION_TIMEOUT_MS
  return Math.min(MAX_DELIVERY_TIMEOUT_MS, Math.max(MIN_DELIVERY_TIMEOUT_MS, Math.floor(sessionMs * 0.9)))
}

/** For how long a group keeps a member that it hears nothing of; undefined for groups of KIP-848, where the broker decides that, unless it is told here. */
export function sessionTimeoutMs({ groupProtocol, properties, consumer }: ResolvedKafkaOptions): number | undefined {
  const given = Number({ ...properties, ...consumer }['session.timeout.ms'])
  if (given > 0) return given
  return groupProtocol === 'classic' ? DEFAULT_SESSION_TIMEOUT_MS : undefined
}

/** When a record that can't be delivered is given up. */
export function deliveryTimeoutMs(options: ResolvedKafkaOptions): number {
  const { topicProperties } = producerConfiguration(options, { clientId: '' })
  const given = Number(topicProperties['delivery.timeout.ms'] ?? topicProperties['message.timeout.ms'])
  return Number.isFinite(given) && given > 0 ? given : MAX_DELIVERY_TIMEOUT_MS
}

/** A consumer that never subscribes, and asks for offsets as they are now. */
export function adminConfiguration(
  options: ResolvedKafkaOptions,
  { clientId, groupId }: { readonly clientId: string; readonly groupId: string },
): Configuration {
  return split({
    ...EVERYWHERE,
    ...options.properties,
    ...options.admin,
    ...identity(options, clientId),
    'group.id': groupId,
    'isolation.level': 'read_uncommitted',
    'enable.auto.commit': false,
    'allow.auto.create.topics': false,
  })
}

function identity({ brokers }: ResolvedKafkaOptions, clientId: string): Properties {
  return { 'bootstrap.servers': brokers, 'client.id': clientId }
}

/** Of those that all brokers have for groups of KIP-848: only one gives a member the same partition of several topics. */
export function remoteAssignor(coLocate: boolean): 'range' | 'uniform' {
  return coLocate ? 'range' : 'uniform'
}

/** librdkafka takes no assignor of ours, and of its own only `range` gives a member the same partition of several topics. */
function assignor({ groupProtocol }: ResolvedKafkaOptions, coLocate: boolean): Properties {
  if (groupProtocol === 'consumer') return { 'group.protocol': 'consumer', 'group.remote.assignor': remoteAssignor(coLocate) }
  return { 'partition.assignment.strategy': coLocate ? 'range' : 'cooperative-sticky' }
}

/** What the group of these properties is like. */
export function groupNature({ groupProtocol }: ResolvedKafkaOptions, coLocate: boolean): GroupNature {
  const consumerProtocol = groupProtocol === 'consumer'
  return { consumerProtocol, cooperative: consumerProtocol || !coLocate }
}

function isolationLevel(isolation: IsolationLevel): string {
  return isolation === 'read-committed' ? 'read_committed' : 'read_uncommitted'
}

/** Properties of topics, as librdkafka's CONFIGURATION.md lists them; the codec of compression is inherited from the client. */
const TOPIC_PROPERTIES: ReadonlySet<string> = new Set([
  'acks',
  'auto.offset.reset',
  'compression.level',
  'consume.callback.max.messages',
  'delivery.timeout.ms',
  'message.timeout.ms',
  'msg_order_cmp',
  'partitioner',
  'queuing.strategy',
  'request.required.acks',
  'request.timeout.ms',
])

/** The library replaces a client's topic properties by those given apart, so that all of them must be. */
function split(all: Properties): Configuration {
  const properties: Record<string, unknown> = {}
  const topicProperties: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(all)) (TOPIC_PROPERTIES.has(name) ? topicProperties : properties)[name] = value
  return { properties, topicProperties }
}

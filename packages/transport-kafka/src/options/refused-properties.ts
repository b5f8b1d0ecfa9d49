const DURABLE = "output must be on all in-sync replicas before offsets are committed: leave it out, or use 'all'"
const OFFSETS = 'offsets are committed by Millrace, after what they stand for is durable'
const ASSIGNOR = 'it follows from the topology: tasks that read several topics need the same partition of each'
const CALLBACK = 'the transport listens to it itself'

/** Values that change nothing, by the names of properties that must not be changed. */
const FIXED: ReadonlyMap<string, { readonly allowed: readonly unknown[]; readonly reason: string }> = new Map([
  ['acks', { allowed: ['all', -1, '-1'], reason: DURABLE }],
  ['request.required.acks', { allowed: ['all', -1, '-1'], reason: DURABLE }],
  ['enable.auto.commit', { allowed: [false, 'false'], reason: OFFSETS }],
  ['auto.commit.enable', { allowed: [false, 'false'], reason: OFFSETS }],
  ['enable.auto.offset.store', { allowed: [false, 'false'], reason: OFFSETS }],
  ['enable.idempotence', { allowed: [true, 'true'], reason: 'without it a retry repeats records or changes their order' }],
  ['enable.partition.eof', { allowed: [true, 'true'], reason: 'the ends of partitions are needed to restore state' }],
  ['delivery.report.only.error', { allowed: [true, 'true'], reason: 'a report for each record would cost more than writing it' }],
  ['partitioner', { allowed: ['murmur2_random'], reason: "records of a key must meet those of other clients, which use Kafka's default" }],
  ['auto.offset.reset', { allowed: ['error'], reason: "say where reading starts by startAt of the topology's sources" }],
])

const REFUSED: ReadonlyMap<string, string> = new Map([
  ['bootstrap.servers', 'use the option brokers'],
  ['metadata.broker.list', 'use the option brokers'],
  ['client.id', 'it is named after the application'],
  ['group.id', 'it is the applicationId'],
  ['transactional.id', 'it is named after the application and the process'],
  ['transaction.timeout.ms', 'it follows from the commit settings of the application'],
  ['isolation.level', 'it follows from the processing guarantee'],
  ['group.protocol', "use the option groupProtocol: 'classic' or 'consumer'"],
  ['group.remote.assignor', ASSIGNOR],
  ['partition.assignment.strategy', ASSIGNOR],
  ['group.instance.id', 'use the option groupInstanceId'],
  ['rebalance_cb', CALLBACK],
  ['offset_commit_cb', CALLBACK],
  ['queue_non_empty_cb', CALLBACK],
  ['event_cb', CALLBACK],
  ['dr_cb', CALLBACK],
  ['dr_msg_cb', CALLBACK],
  ['kafkaJS', "it is for the library's other API"],
])

const BROKERS_OWN = "with groupProtocol 'consumer' the brokers decide it: set"

/** What a member of a group of KIP-848 must not be given. */
const NOT_WITH_CONSUMER_PROTOCOL: ReadonlyMap<string, string> = new Map([
  ['session.timeout.ms', `${BROKERS_OWN} group.consumer.session.timeout.ms there`],
  ['heartbeat.interval.ms', `${BROKERS_OWN} group.consumer.heartbeat.interval.ms there`],
  ['group.protocol.type', "groupProtocol 'consumer' has none: leave it out"],
])

/** Whose members of groups are: of which protocol and client. */
export interface GroupsOf {
  readonly groupProtocol: unknown
  readonly client: unknown
}

/** Why a property can't be given to members of groups of this protocol; undefined if it can. */
export function protocolRefusal({ groupProtocol, client }: GroupsOf, name: string): string | undefined {
  // Brokers decide, and tell nobody: a member of ours counts itself out by what it is told here.
  if (client === 'packed' && name === 'session.timeout.ms') return undefined
  return groupProtocol === 'consumer' ? NOT_WITH_CONSUMER_PROTOCOL.get(name) : undefined
}

/** Why a property of librdkafka can't be given this value; undefined if it can. */
export function refusal(name: string, value: unknown): string | undefined {
  const fixed = FIXED.get(name)
  if (fixed !== undefined) return fixed.allowed.includes(value) ? undefined : fixed.reason
  return REFUSED.get(name)
}

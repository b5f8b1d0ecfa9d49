import { protocolErrorsCodesById } from '@platformatic/kafka'
import { PackedError, type PackedErrorKind } from './packed-error.ts'

/** Error codes of Kafka's protocol that are told apart. */
export const CODE = {
  unknownServerError: -1,
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopic: 3,
  requestTimedOut: 7,
  messageTooLarge: 10,
  invalidTopic: 17,
  recordListTooLarge: 18,
  notEnoughReplicasAfterAppend: 20,
  illegalGeneration: 22,
  unknownMember: 25,
  topicNotAuthorized: 29,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  invalidTransactionState: 48,
  transactionalIdNotAuthorized: 53,
  operationNotAttempted: 55,
  unknownProducerId: 59,
  fencedInstance: 82,
  producerFenced: 90,
  unknownTopicId: 100,
  staleMemberEpoch: 113,
} as const

const KINDS: ReadonlyMap<number, PackedErrorKind> = new Map<number, PackedErrorKind>([
  [CODE.offsetOutOfRange, 'offset-out-of-range'],
  [CODE.corruptMessage, 'malformed'],
  [CODE.unknownTopic, 'unknown-topic'],
  [5, 'transient'], // leader not available
  [6, 'transient'], // not leader or follower
  [CODE.requestTimedOut, 'transient'],
  [8, 'transient'], // broker not available
  [9, 'transient'], // replica not available
  [CODE.messageTooLarge, 'record-too-large'],
  [13, 'transient'], // network
  [14, 'transient'], // coordinator loads
  [15, 'transient'], // coordinator not available
  [16, 'transient'], // not coordinator
  [CODE.invalidTopic, 'unknown-topic'],
  [CODE.recordListTooLarge, 'record-too-large'],
  [19, 'transient'], // too few replicas in sync
  [CODE.notEnoughReplicasAfterAppend, 'transient'],
  [CODE.illegalGeneration, 'not-member'],
  [CODE.unknownMember, 'not-member'],
  [CODE.topicNotAuthorized, 'not-authorized'],
  [32, 'record-refused'], // timestamp
  [30, 'not-authorized'],
  [31, 'not-authorized'],
  [33, 'authentication'],
  [35, 'unsupported'],
  [36, 'topic-exists'],
  [41, 'transient'], // not controller
  [CODE.outOfOrderSequence, 'sequence-broken'],
  [CODE.invalidProducerEpoch, 'sequence-broken'],
  [CODE.invalidTransactionState, 'fatal'],
  [49, 'fatal'], // producer id of another transactional id
  [51, 'transient'], // concurrent transactions
  [CODE.transactionalIdNotAuthorized, 'not-authorized'],
  [56, 'transient'], // storage
  [58, 'authentication'],
  [CODE.unknownProducerId, 'sequence-broken'],
  [68, 'group-in-use'], // not empty
  [74, 'transient'], // fenced leader epoch
  [75, 'transient'], // unknown leader epoch
  [78, 'transient'], // offset not available
  [CODE.fencedInstance, 'not-member'],
  [86, 'group-in-use'], // subscribed to the topic
  [87, 'record-refused'], // invalid record
  [88, 'transient'], // offset of an open transaction
  [89, 'transient'], // throttling
  [CODE.producerFenced, 'fenced'],
  [110, 'not-member'], // fenced epoch of a member
  [111, 'transient'], // name of a static member that is not released
  [CODE.unknownTopicId, 'transient'],
  [103, 'transient'], // id of a topic that was made anew
  [CODE.staleMemberEpoch, 'not-member'],
  [120, 'abortable'],
])

/** Said of a batch before it would be written: it is nowhere. After any other refusal a replica may have it, and keep it. */
const NOT_WRITTEN: ReadonlySet<number> = new Set([
  CODE.corruptMessage,
  CODE.messageTooLarge,
  CODE.invalidTopic,
  CODE.recordListTooLarge,
  19, // too few replicas in sync
  CODE.topicNotAuthorized,
  31, // the cluster is not for this client
  32, // timestamp
  35, // version
  43, // format
  CODE.outOfOrderSequence,
  CODE.invalidProducerEpoch,
  CODE.unknownProducerId,
  87, // invalid record
])

/** Whether a refused batch may have been written all the same. */
export function mayBeWritten(code: number): boolean {
  return !NOT_WRITTEN.has(code)
}

/** Whether to ask again: a topic may be there in a moment, since brokers learn of it one after another. */
export function mayPass(error: PackedError): boolean {
  return error.retriable || (error.kind === 'unknown-topic' && error.code !== CODE.invalidTopic)
}

/** What a broker answered, as an error. `doing` completes "Kafka refused to ...". */
export function refusal(code: number, doing: string): PackedError {
  const names: Readonly<Record<number, string>> = protocolErrorsCodesById
  return new PackedError(`Kafka refused to ${doing}: ${names[code] ?? 'an unknown error'} (code ${code}).`, {
    kind: KINDS.get(code) ?? 'other',
    code,
  })
}

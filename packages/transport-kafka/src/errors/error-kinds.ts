import type { ClientErrorKind } from '../client/client-error.ts'

/** librdkafka's own codes are negative, those of Kafka's protocol positive. */
const KINDS: ReadonlyMap<number, ClientErrorKind> = new Map([
  // librdkafka
  [-196, 'transient'], // request failed
  [-195, 'unreachable'], // transport
  [-193, 'unreachable'], // resolve
  [-192, 'timed-out'], // message timed out
  [-190, 'unknown-topic'], // unknown partition
  [-188, 'unknown-topic'],
  [-187, 'unreachable'], // all brokers down
  [-185, 'timed-out'],
  [-184, 'queue-full'],
  [-183, 'transient'], // too few in-sync replicas
  [-181, 'authentication'], // TLS
  [-180, 'transient'], // waiting for the coordinator
  [-178, 'transient'], // in progress
  [-177, 'transient'], // previous call in progress
  [-172, 'not-fetching'], // erroneous state
  [-169, 'authentication'],
  [-166, 'timed-out'], // timed out in queue
  [-153, 'transient'], // retry
  [-150, 'fatal'],
  [-147, 'poll-too-late'], // max.poll.interval.ms exceeded
  [-144, 'fenced'],
  [-142, 'member-gone'], // assignment lost
  [-140, 'offset-out-of-range'], // auto.offset.reset is error
  [-139, 'offset-out-of-range'], // log truncation
  // Kafka
  [1, 'offset-out-of-range'],
  [3, 'unknown-topic'],
  [5, 'transient'], // leader not available
  [6, 'transient'], // not leader
  [7, 'timed-out'],
  [8, 'transient'], // broker not available
  [9, 'transient'], // replica not available
  [10, 'record-too-large'],
  [13, 'transient'], // network
  [14, 'transient'], // coordinator loads
  [15, 'transient'], // coordinator not available
  [16, 'transient'], // not coordinator
  [18, 'record-too-large'], // record list
  [19, 'transient'], // too few replicas
  [20, 'transient'], // too few replicas after append
  [22, 'member-gone'], // illegal generation
  [25, 'member-gone'], // unknown member
  [27, 'rebalancing'],
  [29, 'not-authorized'],
  [30, 'not-authorized'],
  [31, 'not-authorized'],
  [36, 'topic-exists'],
  [41, 'transient'], // not controller
  [47, 'fenced'], // producer epoch
  [51, 'transient'], // concurrent transactions
  [53, 'not-authorized'],
  [56, 'transient'], // storage
  [58, 'authentication'],
  [74, 'transient'], // fenced leader epoch
  [75, 'transient'], // unknown leader epoch
  [82, 'fatal'], // another member has the same group.instance.id
  [88, 'unstable-offset'],
  [90, 'fenced'],
  [110, 'member-gone'], // fenced member epoch
  [113, 'rebalancing'], // stale member epoch
])

export function kindOf(code: number): ClientErrorKind {
  return KINDS.get(code) ?? 'other'
}

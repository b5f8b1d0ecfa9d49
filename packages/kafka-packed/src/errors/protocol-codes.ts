import { protocolErrorsCodesById } from '@platformatic/kafka'
import { PackedError, type PackedErrorKind } from './packed-error.ts'

/** Error codes of Kafka's protocol that are told apart. */
export const CODE = {
  none: 0,
  offsetOutOfRange: 1,
  unknownTopic: 3,
  topicNotAuthorized: 29,
} as const

const KINDS: ReadonlyMap<number, PackedErrorKind> = new Map<number, PackedErrorKind>([
  [CODE.offsetOutOfRange, 'offset-out-of-range'],
  [2, 'malformed'],
  [CODE.unknownTopic, 'unknown-topic'],
  [5, 'transient'], // leader not available
  [6, 'transient'], // not leader or follower
  [7, 'transient'], // request timed out
  [8, 'transient'], // broker not available
  [9, 'transient'], // replica not available
  [13, 'transient'], // network
  [14, 'transient'], // coordinator loads
  [15, 'transient'], // coordinator not available
  [16, 'transient'], // not coordinator
  [17, 'unknown-topic'], // no name for a topic
  [CODE.topicNotAuthorized, 'not-authorized'],
  [30, 'not-authorized'],
  [31, 'not-authorized'],
  [33, 'authentication'],
  [35, 'unsupported'],
  [41, 'transient'], // not controller
  [53, 'not-authorized'],
  [56, 'transient'], // storage
  [58, 'authentication'],
  [74, 'transient'], // fenced leader epoch
  [75, 'transient'], // unknown leader epoch
  [78, 'transient'], // offset not available
  [89, 'transient'], // throttling
])

/** What a broker answered, as an error. `doing` completes "Kafka refused to ...". */
export function refusal(code: number, doing: string): PackedError {
  const names: Readonly<Record<number, string>> = protocolErrorsCodesById
  return new PackedError(`Kafka refused to ${doing}: ${names[code] ?? 'an unknown error'} (code ${code}).`, {
    kind: KINDS.get(code) ?? 'other',
    code,
  })
}

import type { TopicSettings } from '@millrace/core'
import { ClientError } from '../client/client-error.ts'

/** What the client answers for a topic. */
export interface DescribedTopic {
  readonly resourceName: string
  /** Not 0: the broker refuses; absent where all is well. */
  readonly errorCode?: number
  readonly configs: readonly { readonly name: string; readonly value?: string | null }[]
}

/** What errors of that client, and of Node's sockets, may hold. */
interface Failure {
  readonly message?: unknown
  readonly code?: unknown
  /** Kafka's name of an error that a broker told. */
  readonly apiId?: unknown
  readonly cause?: unknown
  readonly errors?: unknown
}

/** What sockets say of a broker that is away, and may be back; of one that speaks otherwise than we do they say something else. */
const AWAY: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])
/** Codes of the client's own for what has no other cause: no connection, or no answer. */
const NO_ANSWER = 'PLT_KFK_NETWORK'
/** Deep enough for any of its errors. */
const MAX_DEPTH = 8

export function settingsIn(topics: readonly DescribedTopic[]): TopicSettings {
  return {
    byTopic: new Map(
      topics.map(({ resourceName, configs }) => [
        resourceName,
        // Sensitive ones, which topics have none of, come without a value.
        Object.fromEntries(configs.flatMap(({ name, value }) => (value == null ? [] : [[name, value]]))),
      ]),
    ),
  }
}

/** Why there is no answer. Throws a {@link ClientError} where there may be one another time. */
export function failureOf(error: unknown): TopicSettings {
  if (error instanceof ClientError) throw error
  const roots = rootsOf(error)
  const refused = roots.find(({ apiId }) => typeof apiId === 'string')
  if (refused !== undefined) {
    if (refused.apiId === 'UNKNOWN_TOPIC_OR_PARTITION') throw transient('a topic has gone meanwhile', error)
    return unknown(`the broker answers ${String(refused.apiId)}${adviceFor(refused.apiId)}`)
  }
  const telling = roots.find(({ code }) => !AWAY.has(code) && code !== NO_ANSWER)
  if (telling === undefined) throw new ClientError(messageOf(roots[0]), { kind: 'unreachable', code: 0, cause: error })
  return unknown(messageOf(telling).replace(/\.$/, ''))
}

function transient(message: string, cause: unknown): ClientError {
  return new ClientError(message, { kind: 'transient', code: 0, cause })
}

function unknown(unknownBecause: string): TopicSettings {
  return { byTopic: new Map(), unknownBecause }
}

function adviceFor(apiId: unknown): string {
  return String(apiId).endsWith('AUTHORIZATION_FAILED') ? ': allow this principal to describe configs of these topics' : ''
}

/** What lies at the bottom of an error that wraps others. */
function rootsOf(error: unknown, depth = 0): Failure[] {
  const failure: Failure = typeof error === 'object' && error !== null ? error : { message: String(error) }
  const inner = [...(Array.isArray(failure.errors) ? (failure.errors as unknown[]) : []), failure.cause].filter((one) => one != null)
  return inner.length === 0 || depth === MAX_DEPTH ? [failure] : inner.flatMap((one) => rootsOf(one, depth + 1))
}

function messageOf(failure: Failure | undefined): string {
  const told = [failure?.message, failure?.code].find((one) => typeof one === 'string' && one !== '')
  return typeof told === 'string' ? told : 'no reason was given'
}

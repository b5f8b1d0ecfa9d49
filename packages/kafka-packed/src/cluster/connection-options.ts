import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { ConnectionOptions } from '@platformatic/kafka'
import { type Clock, describeValue, isObject, namesOf, numberProblem } from '@millrace/core'
import { type OAuthToken, OAuthTokens } from './oauth-tokens.ts'
import { systemClock } from './system-clock.ts'

/** Where Kafka is, and how to talk to it. */
export interface ConnectOptions {
  /** Addresses to begin with. Each is tried in turn, until one answers. */
  readonly brokers: readonly BrokerAddress[]
  /** Names this client in logs and quotas of the broker. Default: `millrace`. */
  readonly clientId?: string | undefined
  /** TLS, by Node's names. Default: none. */
  readonly tls?: TlsOptions | undefined
  /** PLAIN, SCRAM or OAUTHBEARER. Default: none. */
  readonly sasl?: SaslOptions | undefined
  /** How long making a connection may take, in milliseconds. Default: 10,000. */
  readonly connectTimeoutMs?: number | undefined
  /** How long an answer may take, in milliseconds; then the connection is given up. Default: 30,000. */
  readonly requestTimeoutMs?: number | undefined
  /** How long opening may take, in milliseconds, but for taking over a transactional id; then it rejects. Default: what its steps may. */
  readonly openTimeoutMs?: number | undefined
  /** The age of what is known of leaders at which it is asked anew, in milliseconds. Default: 300,000. */
  readonly metadataMaxAgeMs?: number | undefined
}

type LibrarySasl = NonNullable<ConnectionOptions['sasl']>

/** How a client logs in: `mechanism`, and what it needs; the rest as `@platformatic/kafka` takes it. */
export interface SaslOptions extends Omit<LibrarySasl, 'token'> {
  /**
   * Of OAUTHBEARER: a token, or a function that gives one. It is asked when the client logs in first, and again, by whichever login comes then, when four
   * fifths of the token's time are over; a token that is only text is asked for at each login. While it fails a token that has not ended is used on.
   */
  readonly token?: string | (() => string | OAuthToken | Promise<string | OAuthToken>) | undefined
}

/** Where a broker listens. */
export interface BrokerAddress {
  readonly host: string
  /** Of TCP. */
  readonly port: number
}

export interface ResolvedConnectOptions {
  readonly brokers: readonly BrokerAddress[]
  readonly clientId: string
  readonly tls: TlsOptions | undefined
  readonly sasl: LibrarySasl | undefined
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly openTimeoutMs: number | undefined
  readonly metadataMaxAgeMs: number
}

export const CONNECT_NAMES: readonly string[] = namesOf<ConnectOptions>({
  brokers: true,
  clientId: true,
  tls: true,
  sasl: true,
  connectTimeoutMs: true,
  requestTimeoutMs: true,
  openTimeoutMs: true,
  metadataMaxAgeMs: true,
})

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER']

/** Fills in every default, and adds a sentence to `problems` for everything that is wrong. `clock`: of tokens. */
export function resolveConnectOptions(options: ConnectOptions, problems: string[], clock: Clock = systemClock): ResolvedConnectOptions {
  const { brokers, clientId = 'millrace', connectTimeoutMs = 10_000, requestTimeoutMs = 30_000, metadataMaxAgeMs = 300_000 } = options
  const { tls, sasl, openTimeoutMs } = options
  problems.push(...brokerProblems(brokers))
  if (typeof clientId !== 'string') problems.push(`clientId is ${describeValue(clientId)}; use text.`)
  if (tls !== undefined && !isObject(tls)) problems.push(`tls is ${describeValue(tls)}; use options of Node's tls.connect, such as {}.`)
  const mechanism: unknown = isObject(sasl) ? sasl['mechanism'] : sasl
  if (sasl !== undefined && !MECHANISMS.includes(String(mechanism)))
    problems.push(`sasl.mechanism is ${describeValue(mechanism)}; use ${MECHANISMS.join(', ')}.`)
  if (mechanism === 'OAUTHBEARER' && typeof sasl?.token !== 'function' && (typeof sasl?.token !== 'string' || sasl.token === ''))
    problems.push(`sasl.token is ${describeValue(sasl?.token)}; OAUTHBEARER needs a token, or a function that gives one.`)
  checkNumbers({ connectTimeoutMs, requestTimeoutMs, metadataMaxAgeMs, ...(openTimeoutMs !== undefined && { openTimeoutMs }) }, 1, problems)
  const limits = { connectTimeoutMs, requestTimeoutMs, openTimeoutMs, metadataMaxAgeMs }
  return { brokers, clientId, ...limits, tls, sasl: sasl && loginOf(sasl, clock) }
}

function loginOf({ token, ...others }: SaslOptions, clock: Clock): LibrarySasl {
  if (typeof token !== 'function') return token === undefined ? others : { ...others, token }
  const tokens = new OAuthTokens(token, clock)
  return { oauthBearerExtensions: () => tokens.extensions, ...others, token: () => tokens.current() }
}

/** A sentence for each that is no whole number of at least `min`. */
export function checkNumbers(numbers: Readonly<Record<string, number>>, min: number, problems: string[]): void {
  for (const [name, value] of Object.entries(numbers)) {
    const problem = numberProblem(name, value, { min })
    if (problem !== undefined) problems.push(problem)
  }
}

function brokerProblems(brokers: unknown): string[] {
  if (!Array.isArray(brokers) || brokers.length === 0)
    return [`brokers is ${describeValue(brokers)}; name at least one, such as { host: 'localhost', port: 9092 }.`]
  return brokers.flatMap((one: unknown, i) => {
    const { host, port } = (isObject(one) ? one : {}) as Partial<BrokerAddress>
    const problem = numberProblem(`brokers[${i}].port`, port, { min: 1, max: 65_535 })
    return [
      ...(typeof host === 'string' && host !== '' ? [] : [`brokers[${i}].host is ${describeValue(host)}; use a name or an address.`]),
      ...(problem === undefined ? [] : [problem]),
    ]
  })
}

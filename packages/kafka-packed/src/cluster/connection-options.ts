import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { ConnectionOptions } from '@platformatic/kafka'

/** Where Kafka is, and how to talk to it. */
export interface ConnectOptions {
  /** Addresses to begin with. Each is tried in turn, until one answers. */
  readonly brokers: readonly BrokerAddress[]
  /** Names this client in logs and quotas of the broker. Default: `millrace`. */
  readonly clientId?: string | undefined
  /** TLS, by Node's names. Default: none. */
  readonly tls?: TlsOptions | undefined
  /** PLAIN, SCRAM or OAUTHBEARER, as `@platformatic/kafka` takes it. Default: none. */
  readonly sasl?: NonNullable<ConnectionOptions['sasl']> | undefined
  /** How long making a connection may take, in milliseconds. Default: 10,000. */
  readonly connectTimeoutMs?: number | undefined
  /** How long an answer may take, in milliseconds; then the connection is given up. Default: 30,000. */
  readonly requestTimeoutMs?: number | undefined
  /** The age of what is known of leaders at which it is asked anew, in milliseconds. Default: 300,000. */
  readonly metadataMaxAgeMs?: number | undefined
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
  readonly sasl: NonNullable<ConnectionOptions['sasl']> | undefined
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly metadataMaxAgeMs: number
}

export function resolveConnectOptions(options: ConnectOptions): ResolvedConnectOptions {
  if (options.brokers.length === 0) throw new TypeError('brokers names no broker')
  const {
    brokers,
    clientId = 'millrace',
    connectTimeoutMs = 10_000,
    requestTimeoutMs = 30_000,
    metadataMaxAgeMs = 300_000,
    tls,
    sasl,
  } = options
  return { brokers, clientId, connectTimeoutMs, requestTimeoutMs, metadataMaxAgeMs, tls, sasl }
}

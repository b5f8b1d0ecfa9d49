import { isIP } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { ClientProperties } from '../kafka-options.ts'
import type { ResolvedKafkaOptions } from '../options/resolve-options.ts'
import { type OAuthLogin, oauthLogin } from './oauth-login.ts'
import { textOf } from './property-text.ts'
import { tlsOptions } from './tls-options.ts'

/** Whose properties win over those of all. */
export type Part = 'admin' | 'consumer' | 'producer'

/** How to connect, in the words of the client that reads settings. */
export interface ConnectionSettings {
  readonly bootstrapBrokers: readonly { readonly host: string; readonly port: number }[]
  readonly tls?: ConnectionOptions
  /** Whether the broker's name is told it in the handshake, which an address must not be. */
  readonly tlsServerName?: boolean
  readonly sasl?: PasswordLogin | OAuthLogin
}

interface PasswordLogin {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  readonly username: string
  readonly password: string
}

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

/**
 * What the options say in librdkafka's words, in those of the other client. Rejects with an `Error` whose message says what can't be said in them, such as
 * Kerberos, or which file can't be read.
 */
export async function connectionSettings(options: ResolvedKafkaOptions, part: Part = 'admin'): Promise<ConnectionSettings> {
  const { brokers } = options
  const properties = { ...options.properties, ...options[part] }
  const bootstrapBrokers = brokers.split(',').map(hostAndPort)
  const protocol = textOf(properties, 'security.protocol')?.toLowerCase() ?? 'plaintext'
  const sasl = protocol.startsWith('sasl_') ? saslOf(properties) : undefined
  const tls = protocol.endsWith('ssl') ? await tlsOptions(properties) : undefined
  return {
    bootstrapBrokers,
    ...(sasl !== undefined && { sasl }),
    ...(tls !== undefined && { tls, tlsServerName: bootstrapBrokers.every(({ host }) => isIP(host) === 0) }),
  }
}

/** As {@link brokerAddresses} lets them through: perhaps behind a protocol, an IPv6 host in brackets. */
function hostAndPort(address: string): { host: string; port: number } {
  const plain = address.replace(/^\w+:\/\//, '')
  const colon = plain.lastIndexOf(':')
  return { host: plain.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(plain.slice(colon + 1)) }
}

function saslOf(properties: ClientProperties): NonNullable<ConnectionSettings['sasl']> {
  // librdkafka's default is Kerberos.
  const given = (textOf(properties, 'sasl.mechanisms') ?? textOf(properties, 'sasl.mechanism') ?? 'GSSAPI').toUpperCase()
  if (given === 'OAUTHBEARER') return oauthLogin(properties)
  const mechanism = MECHANISMS.find((one) => one === given)
  if (mechanism === undefined)
    throw new Error(`the client that reads them can't log in by ${given}, only by ${MECHANISMS.join(', ')} and OAUTHBEARER`)
  return { mechanism, username: textOf(properties, 'sasl.username') ?? '', password: textOf(properties, 'sasl.password') ?? '' }
}

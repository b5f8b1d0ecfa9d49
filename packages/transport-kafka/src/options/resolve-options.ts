import type { ClientProperties, KafkaOptions } from '../kafka-options.ts'
import { brokerAddresses } from './broker-addresses.ts'
import { type ClientName, defaultClient } from './default-client.ts'
import { isOfPacked } from './packed-properties.ts'
import { type GroupsOf, protocolRefusal, refusal } from './refused-properties.ts'

/** Checked, and complete. */
export interface ResolvedKafkaOptions {
  /** Separated by commas. */
  readonly brokers: string
  readonly client: ClientName
  /** Why it is not the one that is preferred; undefined: it is, or was named. */
  readonly clientReason: string | undefined
  readonly properties: ClientProperties
  readonly consumer: ClientProperties
  readonly producer: ClientProperties
  readonly admin: ClientProperties
  readonly groupProtocol: 'classic' | 'consumer'
  readonly groupInstanceId: string | undefined
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
}

const CLIENTS: readonly unknown[] = ['confluent', 'packed']
const PARTS = ['properties', 'consumer', 'producer', 'admin'] as const
const NAMES: readonly string[] = [
  'brokers',
  'client',
  ...PARTS,
  'groupProtocol',
  'groupInstanceId',
  'connectTimeoutMs',
  'requestTimeoutMs',
] satisfies (keyof KafkaOptions)[]

/** Throws a `TypeError` that names every bad option, and why it is refused. */
export function resolveOptions(options: KafkaOptions | undefined, environment = process.env): ResolvedKafkaOptions {
  // From JavaScript, anything may come.
  const given: Partial<KafkaOptions> = options ?? {}
  const { groupProtocol = 'classic', connectTimeoutMs = 30_000, requestTimeoutMs = 30_000 } = given
  const named: unknown = given.client ?? (environment['MILLRACE_KAFKA_CLIENT'] || undefined)
  const byDefault = defaultClient(process.versions.node)
  const client = named ?? byDefault.client
  const { addresses, problems: brokerProblems } = brokerAddresses(given.brokers)
  const problems = [
    ...brokerProblems,
    ...Object.keys(given).flatMap(unknownName),
    ...PARTS.flatMap((part) => propertyProblems(part, given[part], { groupProtocol, client })),
    ...clientProblems(client, given),
  ]
  if (groupProtocol !== 'classic' && groupProtocol !== 'consumer') {
    problems.push(`groupProtocol is ${JSON.stringify(groupProtocol)}; use 'classic' or 'consumer'`)
  }
  const { groupInstanceId } = given
  if (groupInstanceId !== undefined && !(typeof groupInstanceId === 'string' && /^[a-zA-Z0-9._-]{1,249}$/.test(groupInstanceId)))
    problems.push(`groupInstanceId is ${JSON.stringify(groupInstanceId)}; use 1 to 249 letters, digits, '.', '_' and '-'`)
  for (const [name, ms] of Object.entries({ connectTimeoutMs, requestTimeoutMs })) {
    if (!(Number.isInteger(ms) && ms >= 1)) problems.push(`${name} is ${String(ms)}; use a whole number of milliseconds, at least 1`)
  }
  if (problems.length > 0) throw new TypeError(`kafka() was given what it can't use:${problems.map((one) => `\n  - ${one}.`).join('')}`)
  const { properties = {}, consumer = {}, producer = {}, admin = {} } = given
  return {
    brokers: addresses.join(','),
    client: client as ClientName,
    clientReason: named === undefined ? byDefault.reason : undefined,
    properties,
    consumer,
    producer,
    admin,
    groupProtocol,
    groupInstanceId,
    connectTimeoutMs,
    requestTimeoutMs,
  }
}

function unknownName(name: string): string[] {
  return NAMES.includes(name)
    ? []
    : [`there is no option '${name}'; properties of the client go into 'properties', 'consumer', 'producer' or 'admin'`]
}

function clientProblems(client: unknown, given: Partial<KafkaOptions>): string[] {
  if (!CLIENTS.includes(client))
    return [
      typeof client === 'object'
        ? "client is an object; use 'confluent' or 'packed', and give properties of all that connect as 'properties'"
        : `client is ${JSON.stringify(client)}; use 'confluent' or 'packed'`,
    ]
  if (client !== 'packed') return []
  return PARTS.flatMap((part) =>
    Object.keys(given[part] ?? {})
      .filter((name) => !isOfPacked(name))
      .map((name) => `${part} sets '${name}', which the client 'packed' has nothing like: leave it out, or use the client 'confluent'`),
  )
}

function propertyProblems(part: (typeof PARTS)[number], properties: ClientProperties | undefined, of: GroupsOf): string[] {
  // The others are no members of a group.
  const joins = part === 'properties' || part === 'consumer'
  if (properties === undefined) return []
  if (typeof properties !== 'object' || properties === null) return [`${part} is not an object of properties`]
  return Object.entries(properties).flatMap(([name, value]) => {
    const reason = refusal(name, value) ?? (joins ? protocolRefusal(of, name) : undefined)
    return reason === undefined ? [] : [`${part} sets '${name}', which is refused: ${reason}`]
  })
}

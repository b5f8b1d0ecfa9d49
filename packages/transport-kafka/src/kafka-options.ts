/** Properties of librdkafka, by their names there, such as `security.protocol` or `sasl.mechanisms`. */
export type ClientProperties = Readonly<Record<string, unknown>>

export interface KafkaOptions {
  /** Addresses to begin with: `host:port`, several in an array or separated by commas. */
  readonly brokers: readonly string[] | string
  /** Properties for every client: TLS, SASL, OAuth, timeouts. See librdkafka's CONFIGURATION.md. */
  readonly client?: ClientProperties | undefined
  /** Properties for consumers only; they win over `client`. */
  readonly consumer?: ClientProperties | undefined
  /** Properties for producers only; they win over `client`. */
  readonly producer?: ClientProperties | undefined
  /** Properties for the admin client only; they win over `client`. */
  readonly admin?: ClientProperties | undefined
  /** `consumer` is KIP-848's protocol, for brokers from 4.0 on. Default: `classic`. */
  readonly groupProtocol?: 'classic' | 'consumer' | undefined
  /** How long opening a connection may take, in milliseconds. Default: 10,000. */
  readonly connectTimeoutMs?: number | undefined
  /** How long one request (a commit, an admin call, a flush that makes no progress) may take, in milliseconds. Default: 30,000. */
  readonly requestTimeoutMs?: number | undefined
}

export interface ResolvedKafkaOptions {
  readonly brokers: string
  readonly client: ClientProperties
  readonly consumer: ClientProperties
  readonly producer: ClientProperties
  readonly admin: ClientProperties
  readonly groupProtocol: 'classic' | 'consumer'
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
}

type Refusal = (value: unknown) => string | undefined

const always =
  (reason: string): Refusal =>
  () =>
    reason
const unless =
  (allowed: readonly unknown[], reason: string): Refusal =>
  (value) =>
    allowed.includes(value) ? undefined : reason

/** What would break a promise of Millrace, and why. */
const REFUSED: Readonly<Record<string, Refusal>> = {
  acks: unless(['all', -1, '-1'], "output must be on all in-sync replicas before offsets are committed: leave it out, or use 'all'"),
  'request.required.acks': unless(
    ['all', -1, '-1'],
    "output must be on all in-sync replicas before offsets are committed: leave it out, or use 'all'",
  ),
  'enable.auto.commit': unless([false, 'false'], 'Millrace commits offsets itself, after what they stand for is durable'),
  'enable.auto.offset.store': unless([false, 'false'], 'Millrace commits offsets itself, after what they stand for is durable'),
  'enable.idempotence': unless([true, 'true'], 'without it a retry may repeat or reorder output'),
  'group.id': always('the group is the applicationId'),
  'transactional.id': always('it is named by the application and the process'),
  'partition.assignment.strategy': always('the strategy follows from the topology: tasks of several topics need range'),
  'group.remote.assignor': always('the assignor follows from the topology: tasks of several topics need range'),
  'group.protocol': always("use the option groupProtocol: 'classic' or 'consumer'"),
  'auto.offset.reset': always("use startAt of the topology's sources"),
  'isolation.level': always('it follows from the processing guarantee'),
  'bootstrap.servers': always('use the option brokers'),
  'metadata.broker.list': always('use the option brokers'),
}

/** Throws a `TypeError` that names every bad option, its value and why it is refused. */
export function resolveOptions(options: KafkaOptions): ResolvedKafkaOptions {
  const problems: string[] = []
  const brokers = (Array.isArray(options?.brokers) ? options.brokers : String(options?.brokers ?? '').split(','))
    .map((broker) => String(broker).trim())
    .filter((broker) => broker !== '')
  if (brokers.length === 0) problems.push("brokers is empty; name at least one, such as 'localhost:9092'")
  for (const broker of brokers) {
    const port = Number(/^(?:[A-Za-z0-9_+]+:\/\/)?(?:\[[^\]]+\]|[^:\s/]+):(\d{1,5})$/.exec(broker)?.[1])
    if (!(port >= 1 && port <= 65_535)) problems.push(`brokers has '${broker}'; write host:port, such as 'localhost:9092'`)
  }
  for (const part of ['client', 'consumer', 'producer', 'admin'] as const) {
    for (const [name, value] of Object.entries(options?.[part] ?? {})) {
      const reason = REFUSED[name]?.(value)
      if (reason !== undefined) problems.push(`${part} has '${name}': ${JSON.stringify(value)}, which is refused: ${reason}`)
    }
  }
  const { groupProtocol = 'classic', connectTimeoutMs = 10_000, requestTimeoutMs = 30_000 } = options ?? {}
  if (groupProtocol !== 'classic' && groupProtocol !== 'consumer')
    problems.push(`groupProtocol is ${JSON.stringify(groupProtocol)}; use 'classic' or 'consumer'`)
  for (const [name, value] of Object.entries({ connectTimeoutMs, requestTimeoutMs })) {
    if (!(Number.isInteger(value) && value >= 1))
      problems.push(`${name} is ${String(value)}; use a whole number of milliseconds, at least 1`)
  }
  if (problems.length > 0) throw new TypeError(`kafka() can't be used so:${problems.map((problem) => `\n  - ${problem}.`).join('')}`)
  const { client = {}, consumer = {}, producer = {}, admin = {} } = options
  return { brokers: brokers.join(','), client, consumer, producer, admin, groupProtocol, connectTimeoutMs, requestTimeoutMs }
}

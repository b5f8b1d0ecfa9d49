import type {
  Logger,
  RecordSource,
  RecordSourceOptions,
  RecordWriter,
  RecordWriterOptions,
  Transport,
  TransportAdmin,
  TransportContext,
  TransportRecipe,
} from '@millrace/core'
import { KafkaAdmin } from './admin/kafka-admin.ts'
import { ConfluentClient } from './confluent/confluent-client.ts'
import { deliveryTimeoutMs, sessionTimeoutMs } from './confluent/configuration.ts'
import type { KafkaClient } from './client/kafka-client.ts'
import type { KafkaOptions } from './kafka-options.ts'
import { type ResolvedKafkaOptions, resolveOptions } from './options/resolve-options.ts'
import { readSettings } from './settings/read-settings.ts'
import { removeMembers } from './settings/remove-members.ts'
import { PackedClient } from './packed/packed-client.ts'
import { KafkaWriter } from './sink/kafka-writer.ts'
import { KafkaSource } from './source/kafka-source.ts'

/**
 * Apache Kafka as the transport. Nothing is loaded or connected before something is opened.
 *
 * Throws a `TypeError` that names every option that is refused, and why.
 *
 * @example
 * ```ts with=names
 * kafka({ brokers: ['localhost:9092'] })
 *
 * kafka({
 *   brokers: 'one:9093,two:9093',
 *   properties: { 'security.protocol': 'sasl_ssl', 'sasl.mechanisms': 'SCRAM-SHA-512', 'sasl.username': 'app', 'sasl.password': password },
 * })
 * ```
 */
export function kafka(options: KafkaOptions): Transport {
  return new KafkaTransport(resolveOptions(options), { module: import.meta.url, name: 'kafka', options })
}

/** It calls back on the main thread's event loop, and its binary can be loaded once in a process. */
const NOT_IN_THREADS =
  "the Kafka client @confluentinc/kafka-javascript can't be used in worker threads: use kafka({ client: 'packed' }), or a process for each."

class KafkaTransport implements Transport {
  readonly name = 'kafka'
  readonly recipe: TransportRecipe
  readonly mainThreadOnly: string | undefined
  readonly #options: ResolvedKafkaOptions
  readonly #client: KafkaClient
  #isClientTold = false

  constructor(options: ResolvedKafkaOptions, recipe: TransportRecipe) {
    this.recipe = recipe
    this.#options = options
    this.mainThreadOnly = options.client === 'packed' ? undefined : NOT_IN_THREADS
    this.#client = options.client === 'packed' ? new PackedClient(options) : new ConfluentClient(options)
  }

  openSource(options: RecordSourceOptions, { logger }: TransportContext): Promise<RecordSource> {
    this.#tellClient(logger)
    const { requestTimeoutMs } = this.#options
    return KafkaSource.open(this.#client, { options, logger, requestTimeoutMs, sessionTimeoutMs: sessionTimeoutMs(this.#options) })
  }

  openWriter(options: RecordWriterOptions, { logger }: TransportContext): Promise<RecordWriter> {
    this.#tellClient(logger)
    return KafkaWriter.open(this.#client, { options, logger, deliveryTimeoutMs: deliveryTimeoutMs(this.#options) })
  }

  openAdmin({ logger }: TransportContext): Promise<TransportAdmin> {
    this.#tellClient(logger)
    return KafkaAdmin.open(this.#client, {
      logger,
      requestTimeoutMs: this.#options.requestTimeoutMs,
      readSettings: (topics) => readSettings(topics, this.#options),
      removeMembers: (groupId, memberIds) => removeMembers({ groupId, memberIds }, this.#options),
    })
  }

  /** Once, where it is not the one that is preferred. */
  #tellClient(logger: Logger): void {
    const { clientReason } = this.#options
    if (clientReason === undefined || this.#isClientTold) return
    this.#isClientTold = true
    logger.info({}, clientReason)
  }
}

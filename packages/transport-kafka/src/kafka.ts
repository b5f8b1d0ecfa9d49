import type {
  RecordSource,
  RecordSourceOptions,
  RecordWriter,
  RecordWriterOptions,
  Transport,
  TransportAdmin,
  TransportContext,
} from '@millrace/core'
import { KafkaAdmin } from './admin/kafka-admin.ts'
import { call } from './client/call.ts'
import { logClientEvents } from './client/client-events.ts'
import { adminConfiguration, consumerConfiguration, producerConfiguration } from './client/configuration.ts'
import { unreachable } from './client/kafka-errors.ts'
import { loadClient } from './client/load-client.ts'
import type { Callback } from './client/raw-client.ts'
import { type KafkaOptions, type ResolvedKafkaOptions, resolveOptions } from './kafka-options.ts'
import { KafkaWriter } from './sink/kafka-writer.ts'
import { KafkaSource } from './source/kafka-source.ts'

/**
 * Apache Kafka as the transport. Nothing is loaded or connected before the application starts.
 *
 * ```ts
 * kafka({ brokers: ['localhost:9092'], client: { 'security.protocol': 'sasl_ssl', 'sasl.mechanisms': 'SCRAM-SHA-512', ... } })
 * ```
 *
 * Throws a `TypeError` that names every option that is refused, and why.
 */
export function kafka(options: KafkaOptions): Transport {
  return new KafkaTransport(resolveOptions(options))
}

class KafkaTransport implements Transport {
  readonly name = 'kafka'
  readonly #options: ResolvedKafkaOptions

  constructor(options: ResolvedKafkaOptions) {
    this.#options = options
  }

  async openSource(options: RecordSourceOptions, { logger }: TransportContext): Promise<RecordSource> {
    const { KafkaConsumer } = await loadClient()
    const source = new KafkaSource({ options: this.#options, source: options, logger })
    const { client, topic } = consumerConfiguration(this.#options, options)
    const consumer = new KafkaConsumer({ ...client, ...source.callbacks }, topic)
    logClientEvents(consumer, options.clientId, logger)
    await this.#connect(consumer, (callback) => consumer.disconnect(callback))
    source.attach(consumer)
    return source
  }

  async openWriter(options: RecordWriterOptions, { logger }: TransportContext): Promise<RecordWriter> {
    const { Producer } = await loadClient()
    const { client, topic } = producerConfiguration(this.#options, options)
    const producer = new Producer(client, topic)
    logClientEvents(producer, options.clientId, logger)
    await this.#connect(producer, (callback) => producer.disconnect(1_000, callback))
    const transactional = options.transactionalId !== undefined
    const writer = new KafkaWriter({ options: this.#options, producer, transactional, logger })
    if (!transactional) return writer
    try {
      const { requestTimeoutMs } = this.#options
      await call(
        { doing: `take over the transactional id '${options.transactionalId}'`, timeoutMs: requestTimeoutMs + 5_000, stage: 'sink' },
        (callback) => producer.initTransactions(requestTimeoutMs, callback),
      )
    } catch (error) {
      await writer.close()
      throw error
    }
    return writer
  }

  async openAdmin({ logger }: TransportContext): Promise<TransportAdmin> {
    const kafka = await loadClient()
    const { connectTimeoutMs, brokers } = this.#options
    const raw = kafka.AdminClient.create(adminConfiguration(this.#options), {
      error: (error: { message: string }) => logger.debug({ err: error }, 'kafka admin client'),
    })
    const admin = new KafkaAdmin(kafka, raw, this.#options)
    try {
      // Creating the client does not wait for a connection: the first answer shows whether there is one.
      await admin.ping(connectTimeoutMs)
      return admin
    } catch (error) {
      await admin.close()
      throw unreachable(brokers, connectTimeoutMs, error)
    }
  }

  /** One client gives up within the time given, and is not left behind half connected. */
  async #connect(
    client: { connect(options: { allTopics: boolean; timeout: number }, callback: Callback<unknown>): void },
    discard: (callback: Callback<unknown>) => void,
  ): Promise<void> {
    const { connectTimeoutMs, brokers } = this.#options
    try {
      await call<unknown>({ doing: 'connect', timeoutMs: connectTimeoutMs + 1_000, stage: 'source' }, (callback) =>
        client.connect({ allTopics: false, timeout: connectTimeoutMs }, callback),
      )
    } catch (error) {
      try {
        discard(() => undefined)
      } catch {
        // It never came as far as being connected.
      }
      throw unreachable(brokers, connectTimeoutMs, error)
    }
  }
}

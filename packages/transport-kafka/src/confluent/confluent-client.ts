import type { Logger, RecordSourceOptions, RecordWriterOptions } from '@millrace/core'
import type { AdminClient, ConsumerClient, KafkaClient, ProducerClient } from '../client/kafka-client.ts'
import type { ResolvedKafkaOptions } from '../options/resolve-options.ts'
import { ClientLog } from './client-log.ts'
import {
  adminConfiguration,
  consumerConfiguration,
  DEFAULT_TRANSACTION_TIMEOUT_MS,
  groupNature,
  producerConfiguration,
} from './configuration.ts'
import { ConfluentAdmin } from './confluent-admin.ts'
import { ConfluentConsumer } from './confluent-consumer.ts'
import { ConfluentProducer } from './confluent-producer.ts'
import { connected } from './connect.ts'
import { ConsumerCallbacks } from './consumer-callbacks.ts'
import { loadModule } from './load-module.ts'
import type { RawConsumer } from './raw-api.ts'

const ADMIN_CLIENT_ID = 'millrace-admin'

/** @confluentinc/kafka-javascript, through its raw API, which is librdkafka's. */
export class ConfluentClient implements KafkaClient {
  readonly #options: ResolvedKafkaOptions

  constructor(options: ResolvedKafkaOptions) {
    this.#options = options
  }

  async openConsumer(source: RecordSourceOptions, logger: Logger): Promise<ConsumerClient> {
    const library = await loadModule()
    const { properties, topicProperties } = consumerConfiguration(this.#options, source)
    const callbacks = new ConsumerCallbacks(groupNature(this.#options, source.coLocate ?? false))
    const log = new ClientLog(logger, source.clientId)
    const construct = () => new library.KafkaConsumer({ ...properties, ...callbacks.properties }, topicProperties)
    const consumer = await connected(construct, log, { part: 'consumer', ...this.#options })
    return new ConfluentConsumer({ library, consumer, callbacks, source, requestTimeoutMs: this.#options.requestTimeoutMs })
  }

  async openProducer(writer: RecordWriterOptions, logger: Logger): Promise<ProducerClient> {
    const library = await loadModule()
    const { properties, topicProperties } = producerConfiguration(this.#options, writer)
    const log = new ClientLog(logger, writer.clientId)
    const raw = await connected(() => new library.Producer(properties, topicProperties), log, { part: 'producer', ...this.#options })
    const { requestTimeoutMs } = this.#options
    const transactionTimeoutMs = writer.transactionTimeoutMs ?? DEFAULT_TRANSACTION_TIMEOUT_MS
    const producer = new ConfluentProducer({ library, producer: raw, requestTimeoutMs, transactionTimeoutMs })
    if (writer.transactionalId === undefined) return producer
    try {
      await producer.takeOver(requestTimeoutMs)
      return producer
    } catch (error) {
      await producer.close()
      throw error
    }
  }

  async openAdmin(logger: Logger): Promise<AdminClient> {
    const library = await loadModule()
    const open = async (groupId: string): Promise<RawConsumer> => {
      const { properties, topicProperties } = adminConfiguration(this.#options, { clientId: ADMIN_CLIENT_ID, groupId })
      const log = new ClientLog(logger, ADMIN_CLIENT_ID)
      const construct = () => new library.KafkaConsumer(properties, topicProperties)
      return connected(construct, log, { part: 'admin client', ...this.#options })
    }
    // Nobody asks for anything of the group that this one names.
    const consumer = await open(ADMIN_CLIENT_ID)
    return new ConfluentAdmin({ library, consumer, openGroup: open, timeoutMs: this.#options.requestTimeoutMs })
  }
}

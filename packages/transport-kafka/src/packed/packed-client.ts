import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger, RecordSourceOptions, RecordWriterOptions } from '@millrace/core'
import type { BrokerAddress, ConnectOptions } from '@millrace/kafka-packed'
import { ClientError } from '../client/client-error.ts'
import type { AdminClient, ConsumerClient, KafkaClient, ProducerClient } from '../client/kafka-client.ts'
import { DEFAULT_TRANSACTION_TIMEOUT_MS } from '../confluent/configuration.ts'
import { connectionError } from '../errors/connection-error.ts'
import type { ResolvedKafkaOptions } from '../options/resolve-options.ts'
import { groupSettings, maxRecordBytes, portionBytes, readerSettings, writerSettings } from '../options/packed-properties.ts'
import { connectionSettings, type Part } from '../settings/connection-settings.ts'
import { PackedAdminClient } from './packed-admin-client.ts'
import { PackedConsumer } from './packed-consumer.ts'
import { PackedProducer } from './packed-producer.ts'
import { toClientError } from './to-client-error.ts'

const ADMIN_CLIENT_ID = 'millrace-admin'
/** For one broker: then the next is tried. */
const CONNECT_MS = 10_000
/** A rebalance that takes longer than this part of a transaction's life is not waited for. */
const REBALANCES_A_TRANSACTION = 4
/** Of the time that opening may take, for one attempt: what is not answered by then is asked again over other connections. */
const ATTEMPT_PART = 0.5
/** Before all are tried again. */
const RETRY_MS = 250

/** `@millrace/kafka-packed`. */
export class PackedClient implements KafkaClient {
  readonly #options: ResolvedKafkaOptions

  constructor(options: ResolvedKafkaOptions) {
    this.#options = options
  }

  async openConsumer(source: RecordSourceOptions, logger: Logger): Promise<ConsumerClient> {
    const { PackedReader, GroupMember, TopicLookup } = await import('@millrace/kafka-packed')
    const connect = await this.#connect('consumer', source.clientId)
    let consumer: PackedConsumer | undefined
    const onArrival = (): void => consumer?.onArrival()
    const reader = await this.#connected((limit) =>
      PackedReader.open({ ...connect, ...limit, ...readerSettings(this.#options), isolation: source.isolation, onArrival }),
    )
    const lookup = new TopicLookup(connect)
    const assigns = this.#options.groupProtocol === 'classic'
    const opened = (consumer = new PackedConsumer({ reader, lookup, source, logger, assigns }))
    const { groupId } = source
    if (groupId === undefined) return opened
    const settings = { ...connect, ...groupSettings(this.#options, source), groupId }
    try {
      opened.joinAs(await this.#connected((limit) => GroupMember.open({ ...settings, ...limit }, opened.hooks)))
    } catch (error) {
      await opened.close()
      throw error
    }
    return opened
  }

  async openProducer(writer: RecordWriterOptions): Promise<ProducerClient> {
    const { PackedWriter, TopicLookup } = await import('@millrace/kafka-packed')
    const connect = await this.#connect('producer', writer.clientId)
    const opened = await this.#connected((limit) => PackedWriter.open({ ...connect, ...limit, ...writerSettings(this.#options, writer) }))
    const { transactionTimeoutMs = DEFAULT_TRANSACTION_TIMEOUT_MS } = writer
    return new PackedProducer({
      writer: opened,
      lookup: new TopicLookup(connect),
      maxRecordBytes: maxRecordBytes(this.#options),
      portionBytes: portionBytes(this.#options),
      rebalancePatienceMs: transactionTimeoutMs / REBALANCES_A_TRANSACTION,
    })
  }

  async openAdmin(): Promise<AdminClient> {
    const { PackedAdmin } = await import('@millrace/kafka-packed')
    const connect = await this.#connect('admin', ADMIN_CLIENT_ID)
    return new PackedAdminClient(await this.#connected((limit) => PackedAdmin.open({ ...connect, ...limit })))
  }

  async #connect(part: Part, clientId: string): Promise<ConnectOptions> {
    const { bootstrapBrokers, tls, sasl } = await this.#settings(part)
    const { connectTimeoutMs, requestTimeoutMs } = this.#options
    const brokers: readonly BrokerAddress[] = bootstrapBrokers
    return { brokers, clientId, tls, sasl, requestTimeoutMs, connectTimeoutMs: Math.min(CONNECT_MS, connectTimeoutMs) }
  }

  /** What can't be said in the words of this client is a mistake in the options. */
  async #settings(part: Part): ReturnType<typeof connectionSettings> {
    try {
      return await connectionSettings(this.#options, part)
    } catch (error) {
      throw new TypeError(`The properties that kafka() was given make no ${part}: ${(error as Error).message}.`, { cause: error })
    }
  }

  /** Again while brokers come and go, or rejects when the time given is over with a sentence that names the address and the cause. */
  async #connected<T>(open: (limit: { readonly openTimeoutMs: number }) => Promise<T>): Promise<T> {
    const { connectTimeoutMs, brokers } = this.#options
    const deadline = performance.now() + connectTimeoutMs
    let told: ClientError | undefined
    for (;;) {
      try {
        const openTimeoutMs = Math.min(deadline - performance.now(), connectTimeoutMs * ATTEMPT_PART)
        return await open({ openTimeoutMs: Math.max(1, Math.ceil(openTimeoutMs)) })
      } catch (thrown) {
        const error = toClientError(thrown)
        if (!(error instanceof ClientError)) throw error
        const passes = error.kind === 'unreachable' || error.kind === 'timed-out' || error.kind === 'transient'
        // That the time was over in the midst of an attempt says less than why the one before failed.
        told = passes && error.kind === 'timed-out' ? (told ?? error) : error
        const isConnection = passes || error.kind === 'authentication'
        if (!passes || performance.now() + RETRY_MS >= deadline)
          throw isConnection ? connectionError({ brokers, seconds: connectTimeoutMs / 1000, complaint: undefined, error: told }) : error
      }
      await sleep(RETRY_MS)
    }
  }
}

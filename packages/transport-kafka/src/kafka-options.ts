/** Properties by librdkafka's names for them, such as `security.protocol` or `sasl.mechanisms`: see its CONFIGURATION.md. */
export type ClientProperties = Readonly<Record<string, unknown>>

/** Where Kafka is, and how to talk to it. */
export interface KafkaOptions {
  /** Addresses to begin with, as `host:port`: an array, or one string with commas between them. */
  readonly brokers: readonly string[] | string
  /**
   * The client library. `confluent` is `@confluentinc/kafka-javascript`; `packed` is Millrace's own, in TypeScript, which hands over whole batches: see docs/kafka.md for which to
   * choose. All processes of an application use the same. Default: what the environment variable `MILLRACE_KAFKA_CLIENT` says, else `packed`, or `confluent` where Node is too old for that.
   */
  readonly client?: 'confluent' | 'packed' | undefined
  /** Properties of all that connect: TLS, SASL, OAuth, timeouts. Default: none. */
  readonly properties?: ClientProperties | undefined
  /** Properties of those that read; they win over `properties`. Default: none. */
  readonly consumer?: ClientProperties | undefined
  /** Properties of those that write; they win over `properties`. Default: none. */
  readonly producer?: ClientProperties | undefined
  /** Properties of those that administer; they win over `properties`. Default: none. */
  readonly admin?: ClientProperties | undefined
  /** How groups form. `consumer` is the protocol of KIP-848, for brokers from 4.0 on; all members must use the same. Default: `classic`. */
  readonly groupProtocol?: 'classic' | 'consumer' | undefined
  /**
   * Makes the process a static member of its group, by a name that no other process has and that it keeps over restarts (KIP-345): when it is closed its
   * partitions wait for it until its session is over, and nobody else is disturbed. Default: none.
   */
  readonly groupInstanceId?: string | undefined
  /** Whoever opens a part of the transport is told after so many milliseconds that no broker could be reached. Default: 30,000. */
  readonly connectTimeoutMs?: number | undefined
  /**
   * How long a commit, or a question to a broker, may take in milliseconds; then it rejects with a retryable error. Records that are written
   * are tried for `message.timeout.ms`: by default nine tenths of the session timeout (40,500), at least 10,000, at most 120,000. Default: 30,000.
   */
  readonly requestTimeoutMs?: number | undefined
}

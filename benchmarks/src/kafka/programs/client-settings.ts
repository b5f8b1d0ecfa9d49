/** What Millrace's adapter sets of readers on the same client, in librdkafka's names (`test/kafka/same-settings.test.ts` compares them). */
export const READING = {
  'fetch.queue.backoff.ms': 2,
  'fetch.wait.max.ms': 100,
  'queued.min.messages': 30_000,
  'queued.max.messages.kbytes': 16_384,
  'fetch.max.bytes': 1_048_576,
  'enable.auto.commit': false,
  'enable.auto.offset.store': false,
  'enable.partition.eof': true,
  'partition.assignment.strategy': 'cooperative-sticky',
} as const

/** The same of writers. */
export const WRITING = {
  'enable.idempotence': true,
  'linger.ms': 10,
  'batch.size': 1_000_000,
  'batch.num.messages': 100_000,
  'queue.buffering.max.messages': 500_000,
  'queue.buffering.max.kbytes': 131_072,
  'compression.codec': 'lz4',
  'delivery.report.only.error': true,
  dr_cb: true,
} as const

/** Those of writers that are given with a topic. */
export const WRITING_TOPICS = { partitioner: 'murmur2_random', acks: 'all' } as const

/** In a transaction, nothing may be tried for longer than it lives. */
export const TRANSACTION_TIMEOUT_MS = 10_000

/** What Millrace's adapter sets of readers on the packed client. */
export const READING_PACKED = { maxWaitMs: 100, maxFetchBytes: 8_388_608, maxBufferedBytes: 33_554_432 } as const

/** The same of writers. */
export const WRITING_PACKED = { lingerMs: 10, compression: 'lz4' } as const

import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import {
  READING,
  READING_PACKED,
  TRANSACTION_TIMEOUT_MS,
  WRITING,
  WRITING_PACKED,
  WRITING_TOPICS,
} from '../../src/kafka/programs/client-settings.ts'

interface Configuration {
  readonly properties: object
  readonly topicProperties: object
}

/** What the adapter sets is nothing that it exports. */
async function adapter() {
  const source = new URL('../../../packages/transport-kafka/src/', import.meta.url)
  const module = async (file: string) =>
    (await import(new URL(file, source).href)) as Record<string, (...args: readonly object[]) => object>
  const { resolveOptions } = await module('options/resolve-options.ts')
  const { consumerConfiguration, producerConfiguration } = await module('confluent/configuration.ts')
  const { readerSettings, writerSettings } = await module('options/packed-properties.ts')
  const options = resolveOptions?.({ brokers: 'localhost:9092' }) as object
  return {
    reading: (reader: object) => consumerConfiguration?.(options, reader) as Configuration,
    writing: (writer: object) => producerConfiguration?.(options, writer) as Configuration,
    readingPacked: () => readerSettings?.(options),
    writingPacked: (writer: object) => writerSettings?.(options, writer),
  }
}

test('the loop by hand reads with the settings that Millrace reads with', async () => {
  const { properties } = (await adapter()).reading({ clientId: 'bench', groupId: 'bench', isolation: 'read-uncommitted' })
  expect(properties).toMatchObject(READING)
})

test('the loop by hand writes with the settings that Millrace writes with', async () => {
  const { properties, topicProperties } = (await adapter()).writing({ clientId: 'bench', transactionalId: 'bench' })
  expect(properties).toMatchObject({ ...WRITING, 'transaction.timeout.ms': TRANSACTION_TIMEOUT_MS })
  expect(topicProperties).toMatchObject({ ...WRITING_TOPICS, 'message.timeout.ms': TRANSACTION_TIMEOUT_MS })
})

test('so does the one on the packed client', async () => {
  const { readingPacked, writingPacked } = await adapter()
  expect(readingPacked()).toMatchObject(READING_PACKED)
  const inTransactions = { transactionTimeoutMs: TRANSACTION_TIMEOUT_MS, deliveryTimeoutMs: TRANSACTION_TIMEOUT_MS }
  expect(writingPacked({ clientId: 'bench', transactionalId: 'bench' })).toMatchObject({ ...WRITING_PACKED, ...inTransactions })
})

test('Kafka Streams writes with the same linger, batches, memory and compression', async () => {
  const source = await readFile(new URL('../../kafka-streams/BenchmarkApp.java', import.meta.url), 'utf8')
  const setting = (name: string) =>
    new RegExp(`ProducerConfig\\.${name}_CONFIG\\), "?([\\w.]+)"?\\)`).exec(source)?.[1]?.replaceAll('_', '')
  expect(setting('LINGER_MS')).toBe(String(WRITING['linger.ms']))
  expect(setting('BATCH_SIZE')).toBe(String(WRITING['batch.size']))
  expect(setting('BUFFER_MEMORY')).toBe(String(WRITING['queue.buffering.max.kbytes'] * 1_024))
  expect(setting('COMPRESSION_TYPE')).toBe(WRITING['compression.codec'])
})

import {
  type AppDefinition,
  BatchCountAggregator,
  defineApp,
  type NewTopic,
  type OffsetCommit,
  serializeColumn,
  serdes,
  silentLogger,
  TopologyBuilder,
  type TransportAdmin,
} from '@millrace/core'
import { memory, type MemoryFaults, type MemoryTransport } from '@millrace/transport-memory'
import { inMemory } from 'millrace/memory'
import type { Environment } from '../../src/command-line/environment.ts'
import { type CommandResult, millrace } from './command.ts'

const context = { logger: silentLogger }

/** A word count on an embedded log of its own, and the commands that work on it. */
export class MemoryApp implements AsyncDisposable {
  readonly transport: MemoryTransport
  readonly definition: AppDefinition
  readonly admin: TransportAdmin

  private constructor(transport: MemoryTransport, admin: TransportAdmin, overrides: Partial<AppDefinition>) {
    this.transport = transport
    this.admin = admin
    const counts = inMemory.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
    const builder = new TopologyBuilder('word-count')
    builder
      .source('lines', { topics: ['lines'], key: serdes.nullable(serdes.string), value: serdes.string })
      .repartition('by-word', { key: serdes.nullable(serdes.string), value: serdes.string })
      .map('keyed', (line) => ({ ...line, key: line.value }))
      .process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
      .sink('totals', { topic: 'totals', key: serdes.string, value: serdes.safeInt64 })
    this.definition = defineApp({ topology: builder.build(), applicationId: 'app', transport, logger: silentLogger, ...overrides })
  }

  static async open(overrides: Partial<AppDefinition> = {}, faults?: MemoryFaults): Promise<MemoryApp> {
    const transport = memory({ faults })
    return new MemoryApp(transport, await transport.openAdmin(context), overrides)
  }

  /** Topics by their names, with their partitions. */
  async createTopics(topics: Readonly<Record<string, number>>): Promise<void> {
    await this.admin.createTopics(Object.entries(topics).map(([topic, partitions]): NewTopic => ({ topic, partitions })))
  }

  /** Values into one partition, a second apart from each other. */
  async write(topic: string, partition: number, values: readonly string[]): Promise<void> {
    await using writer = await this.transport.openWriter({ clientId: 'test' }, context)
    const { length } = values
    await writer.writeBatch({
      topic,
      length,
      keys: serializeColumn(
        serdes.nullable(serdes.string),
        Array.from({ length }, () => null),
      ),
      values: serializeColumn(serdes.string, values),
      timestamps: values.map((_, i) => i * 1_000),
      partitions: values.map(() => partition),
    })
    await writer.flush()
  }

  /** As the application would. */
  async commit(offsets: readonly OffsetCommit[], group = 'app'): Promise<void> {
    await this.admin.commitOffsets?.(group, offsets)
  }

  /** What is committed of a topic of two partitions. */
  async committed(topic: string): Promise<(number | undefined)[]> {
    const offsets = await this.admin.committedOffsets('app', [
      { topic, partition: 0 },
      { topic, partition: 1 },
    ])
    return [0, 1].map((partition) => offsets.find((at) => at.partition === partition)?.offset)
  }

  /** A command that is given the module of this application. */
  millrace(args: readonly string[], overrides: Partial<Environment> = {}): Promise<CommandResult> {
    // Behind the command, which is a word or two, and what else stands before options.
    const words = args.findIndex((arg) => arg.startsWith('--'))
    const at = words < 0 ? args.length : words
    return millrace([...args.slice(0, at), 'word-count.ts', ...args.slice(at)], {
      importModule: async () => ({ default: this.definition }),
      ...overrides,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admin.close()
  }
}

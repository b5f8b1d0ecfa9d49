import { randomUUID } from 'node:crypto'
import { serializeColumn, serdes, silentLogger, type Transport, type TransportAdmin } from '@millrace/core'
import { kafka } from '@millrace/transport-kafka'
import { inject } from 'vitest'
import { apps } from './command.ts'
import { type CommandProcess, startCommand } from './command-process.ts'
import { temporaryFolder } from './temporary-folder.ts'

const context = { logger: silentLogger }

/** The word count of `apps/word-count.ts` on topics of its own, on the broker of the tests. */
export class KafkaApp implements AsyncDisposable {
  readonly id: string = randomUUID().slice(0, 8)
  readonly applicationId: string = `word-count-${this.id}`
  readonly topics: { readonly lines: string; readonly totals: string } = { lines: `lines-${this.id}`, totals: `totals-${this.id}` }
  readonly stateDir: string = temporaryFolder()
  readonly brokers: string = inject('kafkaBrokers')
  readonly transport: Transport
  readonly admin: TransportAdmin

  private constructor(transport: Transport, admin: TransportAdmin) {
    this.transport = transport
    this.admin = admin
  }

  static async open(): Promise<KafkaApp> {
    const transport = kafka({ brokers: inject('kafkaBrokers') })
    const app = new KafkaApp(transport, await transport.openAdmin(context))
    await app.admin.createTopics([
      { topic: app.topics.lines, partitions: 2 },
      { topic: app.topics.totals, partitions: 1 },
    ])
    return app
  }

  /** One line into each partition, so often. */
  async write(times: number): Promise<void> {
    await using writer = await this.transport.openWriter({ clientId: 'test' }, context)
    const length = 2 * times
    await writer.writeBatch({
      topic: this.topics.lines,
      length,
      keys: serializeColumn(
        serdes.nullable(serdes.string),
        Array.from({ length }, () => null),
      ),
      values: serializeColumn(
        serdes.string,
        Array.from({ length }, () => 'to be or not to be'),
      ),
      timestamps: Array.from({ length }, () => Date.now()),
      partitions: Array.from({ length }, (_, i) => i % 2),
    })
    const [failure] = await writer.flush()
    if (failure !== undefined) throw failure.error
  }

  /** What the module reads. */
  get variables(): Record<string, string> {
    return { WORD_COUNT_ID: this.id, KAFKA_BROKERS: this.brokers, STATE_DIR: this.stateDir }
  }

  /** The command in a process of its own, which is gone when the test ends. */
  spawn(args: readonly string[], variables: Readonly<Record<string, string>> = {}): CommandProcess {
    return startCommand(args, { folder: apps, variables: { ...this.variables, ...variables } })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admin.close()
  }
}

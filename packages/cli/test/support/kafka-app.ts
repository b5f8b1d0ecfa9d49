import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { serializeColumn, serdes, silentLogger, type Transport, type TransportAdmin } from '@millrace/core'
import { kafka } from '@millrace/transport-kafka'
import { inject, onTestFinished } from 'vitest'
import { apps } from './command.ts'
import { temporaryFolder } from './temporary-folder.ts'

const context = { logger: silentLogger }
const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const tsx = import.meta.resolve('tsx')

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
  spawn(args: readonly string[]): CommandProcess {
    const child = spawn(process.execPath, ['--conditions=@millrace/source', '--import', tsx, main, ...args], {
      cwd: apps,
      env: { ...process.env, ...this.variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    return new CommandProcess(child)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admin.close()
  }
}

/** A command that runs. */
export class CommandProcess {
  readonly ended: Promise<number | null>
  readonly #child: ChildProcess
  #stdout = ''
  #stderr = ''

  constructor(child: ChildProcess) {
    this.#child = child
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    this.ended = once(child, 'close').then(([code]) => code as number | null)
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  /** The events that `--json` wrote so far. */
  get events(): readonly { readonly event: string; readonly instance: number; readonly pid?: number; readonly code?: number | null }[] {
    const lines = this.#stdout.split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as CommandProcess['events'][number])
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }
}

import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type App, type AppDefinition, defineApp, type RuntimeEvent, serdes, silentLogger, start, type Transport } from 'millrace'
import { kafka } from 'millrace/kafka'
import { donePair, failingTopology, inputPair, outputPair, type Topics, type Work } from './failing-topology.ts'
import { LogClient, type Written } from './log-client.ts'
import { temporaryFolder } from './temporary-folder.ts'

const rawPair = { key: serdes.nullable(serdes.bytes), value: serdes.nullable(serdes.bytes) }
type RawRecord = Pick<Written<Uint8Array | null, Uint8Array | null>, 'key' | 'value' | 'timestamp' | 'headers' | 'partition'>

export interface FailingGroupOptions {
  readonly brokers: string
  readonly partitions: number
  readonly groupProtocol?: 'classic' | 'consumer' | undefined
  /** Of consumers of the classic protocol, besides the session. */
  readonly consumer?: Readonly<Record<string, unknown>> | undefined
  /** Of the classic protocol. Default: so long that nobody is put out who is only slow. What can't be delivered is given up the later. */
  readonly sessionTimeoutMs?: number | undefined
}

/** One member, in this process. */
export class FailingApp {
  readonly app: App
  readonly events: RuntimeEvent[]
  /** Rejects with what made it fail. */
  readonly running: Promise<void>
  #failed: { readonly error: unknown } | undefined

  constructor(app: App, events: RuntimeEvent[]) {
    this.app = app
    this.events = events
    this.running = app.run()
    this.running.catch((error: unknown) => (this.#failed = { error }))
  }

  of<Type extends RuntimeEvent['type']>(type: Type): Extract<RuntimeEvent, { readonly type: Type }>[] {
    return this.events.filter((event): event is Extract<RuntimeEvent, { readonly type: Type }> => event.type === type)
  }

  /** Resolves once the condition holds; rejects if the application fails before. */
  async until(condition: (member: this) => boolean | Promise<boolean>): Promise<void> {
    for (;;) {
      const answer = condition(this)
      if (await answer) return
      if (this.#failed !== undefined) throw this.#failed.error
      // Who asks the broker leaves it time for others.
      await pause(answer instanceof Promise ? 50 : 5)
    }
  }

  /** Resolves to what makes it fail. */
  async failure(): Promise<unknown> {
    await this.until(() => this.#failed !== undefined).catch(() => undefined)
    return this.#failed?.error
  }
}

/** Topics and a group of their own, for applications that fail with some of their records. */
export class FailingGroup implements AsyncDisposable {
  readonly topics: Topics
  readonly applicationId: string
  readonly log: LogClient
  readonly transport: Transport
  readonly #closing: AsyncDisposable[]
  readonly #folder: string
  readonly #written = new Map<number, number>()

  private constructor(log: LogClient, transport: Transport, folder: { readonly path: string } & AsyncDisposable) {
    const id = randomUUID().slice(0, 8)
    this.topics = { input: `in-${id}`, output: `out-${id}`, dead: `dead-${id}` }
    this.applicationId = `failing-${id}`
    this.log = log
    this.transport = transport
    this.#folder = folder.path
    this.#closing = [folder, log]
  }

  static async open(options: FailingGroupOptions): Promise<FailingGroup> {
    const { brokers, partitions, groupProtocol = 'classic', sessionTimeoutMs = 45_000 } = options
    const session = groupProtocol === 'classic' ? { 'session.timeout.ms': sessionTimeoutMs, 'heartbeat.interval.ms': 300 } : {}
    const transport = kafka({ brokers, groupProtocol, consumer: { ...session, ...options.consumer } })
    const group = new FailingGroup(await LogClient.open(kafka({ brokers })), transport, await temporaryFolder())
    const { input, output, dead } = group.topics
    await group.log.createTopics({ [input]: partitions, [output]: partitions, [dead]: 1 })
    return group
  }

  get stateDir(): string {
    return this.#folder
  }

  /** Two retries at once, then a dead letter, unless `overrides` say otherwise. */
  async start(work: Work, overrides: Partial<AppDefinition> = {}): Promise<FailingApp> {
    const { topics, applicationId, transport } = this
    const events: RuntimeEvent[] = []
    const app = await start(
      defineApp({
        topology: failingTopology(topics, work),
        applicationId,
        transport,
        stateDir: this.#folder,
        logger: silentLogger,
        commit: { intervalMs: 20 },
        ...overrides,
        observer: (event) => {
          events.push(event)
          overrides.observer?.(event)
        },
        batch: { size: 10, timeoutMs: 5, maxRetries: 2, ...overrides.batch },
        failure: {
          decode: 'dead-letter',
          process: 'dead-letter',
          ...overrides.failure,
          retry: { initialDelayMs: 0, jitter: 0, ...overrides.failure?.retry },
          deadLetter: { topic: topics.dead, ...overrides.failure?.deadLetter },
        },
      }),
    )
    this.#closing.push(app)
    return new FailingApp(app, events)
  }

  /** Writes the next `count` values of a partition: partition 2 has 2,000, 2,001 and so on. */
  async write(partition: number, count: number): Promise<void> {
    const from = this.#written.get(partition) ?? 0
    this.#written.set(partition, from + count)
    const records = Array.from({ length: count }, (_, i) => ({ key: i, value: 1_000 * partition + from + i, partition }))
    await this.log.write(this.topics.input, inputPair, records)
  }

  async writeRaw(records: readonly RawRecord[]): Promise<void> {
    await this.log.write(this.topics.input, rawPair, records)
  }

  /** What was written for each partition, in order. */
  async output(): Promise<string[][]> {
    const values: string[][] = []
    for (const { partition, value } of await this.log.readAll(this.topics.output, outputPair)) (values[partition] ??= []).push(value)
    return values
  }

  deadLetters(): Promise<Written<Uint8Array | null, Uint8Array | null>[]> {
    return this.log.readAll(this.topics.dead, rawPair)
  }

  /** The values of the dead letters, ascending. */
  async deadValues(): Promise<number[]> {
    return (await this.log.readAll(this.topics.dead, inputPair)).map(({ value }) => value).sort((a, b) => a - b)
  }

  committed(): Promise<(number | undefined)[]> {
    return this.log.committed(this.applicationId, this.topics.input)
  }

  /** How often each value counts as done, as the changelog has it. */
  async counted(): Promise<ReadonlyMap<number, number>> {
    const changes = await this.log.readAll(`${this.applicationId}-done-changelog`, donePair)
    return new Map(changes.map(({ key, value }) => [key, value]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#closing.reverse()) await one[Symbol.asyncDispose]()
  }
}

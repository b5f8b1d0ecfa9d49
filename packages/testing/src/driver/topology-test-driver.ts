import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AppDefinition,
  type FailureOptions,
  type Logger,
  ManualClock,
  type Observer,
  type RecordWriter,
  silentLogger,
  type StoreDefinition,
  type Topology,
  type TopicPartition,
  type TransportAdmin,
} from '@millrace/core'
import { type App, start } from '@millrace/runtime'
import { memory } from '@millrace/transport-memory'

import { TestInput, TestOutput, type TopicSerdes } from './test-topics.ts'

/** How a topology is run in a test. */
export interface TopologyTestDriverOptions {
  /** Records in a batch, at most, of every source: the result must not depend on it. Default: what the definition and its sources say. */
  readonly batchSize?: number | undefined
  /** Partitions of every topic that the driver creates. Default: 1. */
  readonly partitions?: number | undefined
  /** Topics to create besides those that the topology names: what patterns are to match, what topic functions choose. */
  readonly topics?: readonly string[] | undefined
  /** Where the wall clock begins, in milliseconds since the epoch. Default: 0. */
  readonly startMs?: number | undefined
  /** Default: `test`. */
  readonly applicationId?: string | undefined
  /** Told every batch, commit and rebalance. */
  readonly observer?: Observer | undefined
  /** Default: says nothing. */
  readonly logger?: Logger | undefined
  /** What else the application is to be started with. */
  readonly definition?:
    | Partial<Omit<AppDefinition, 'topology' | 'transport' | 'applicationId' | 'observer' | 'logger' | 'clock' | 'stateDir'>>
    | undefined
}

/**
 * Runs a topology in the real engine on an embedded log: no broker, no waiting, wall-clock time by hand.
 *
 * ```ts with=word-count-topology
 * import { TopologyTestDriver } from 'millrace/testing'
 *
 * test('counts words', async () => {
 *   await using driver = await TopologyTestDriver.start(topology)
 *   const lines = driver.input('lines', { key: serdes.nullable(serdes.string), value: serdes.string })
 *   const totals = driver.output('word-counts', { key: serdes.string, value: serdes.safeInt64 })
 *   await lines.send({ key: null, value: 'to be or not to be' })
 *   expect(await totals.readToMap()).toEqual(new Map([['to', 2], ['be', 2], ['or', 1], ['not', 1]]))
 * })
 * ```
 *
 * Whatever fails while records are processed is thrown by the `send` or `readAll` that waits for it, after its retries, which are made at once; nor does an open circuit breaker pause anything.
 */
export class TopologyTestDriver implements AsyncDisposable {
  readonly #app: App
  readonly #admin: TransportAdmin
  readonly #clock: ManualClock
  readonly #writer: RecordWriter
  readonly #folder: string
  readonly #openSource: () => ReturnType<ReturnType<typeof memory>['openSource']>
  #running: Promise<void>
  #closing: Promise<void> | undefined

  private constructor(parts: {
    app: App
    admin: TransportAdmin
    clock: ManualClock
    writer: RecordWriter
    folder: string
    openSource: () => ReturnType<ReturnType<typeof memory>['openSource']>
  }) {
    this.#app = parts.app
    this.#admin = parts.admin
    this.#clock = parts.clock
    this.#writer = parts.writer
    this.#folder = parts.folder
    this.#openSource = parts.openSource
    this.#running = this.#app.run()
    this.#running.catch(() => undefined)
  }

  /** Creates the topics that the topology names, and starts it. Rejects as `start` of the application does. */
  static async start(topology: Topology, options: TopologyTestDriverOptions = {}): Promise<TopologyTestDriver> {
    const clock = new ManualClock(options.startMs)
    const logger = options.logger ?? silentLogger
    const transport = memory({ clock })
    const context = { logger }
    const admin = await transport.openAdmin(context)
    const partitions = options.partitions ?? 1
    await admin.createTopics([...topicsOf(topology), ...(options.topics ?? [])].map((topic) => ({ topic, partitions })))
    const folder = await mkdtemp(join(tmpdir(), 'millrace-test-'))
    const { failure } = options.definition ?? {}
    const app = await start({
      ...options.definition,
      failure: withoutWaits(failure ?? {}),
      topology,
      transport,
      applicationId: options.applicationId ?? 'test',
      stateDir: folder,
      clock,
      logger,
      observer: options.observer,
    })
    // What is there is handed on at once, whatever sources and topics say: nothing in a test should depend on waiting.
    app.updateBatching({ waitWhenIdle: false, size: options.batchSize })
    const writer = await transport.openWriter({ clientId: 'test-input' }, context)
    const openSource = () => transport.openSource({ clientId: 'test-output', isolation: 'read-committed' }, context)
    return new TopologyTestDriver({ app, admin, clock, writer, folder, openSource })
  }

  /** The running application, for what the driver does not offer. */
  get app(): App {
    return this.#app
  }

  /** A way to write to a topic. A topic that does not exist makes the first `send` reject. */
  input<K, V>(topic: string, serdes: TopicSerdes<K, V>): TestInput<K, V> {
    return new TestInput(topic, serdes, this.#access())
  }

  /** A way to read a topic, from its beginning. Each call begins anew; a topic that does not exist makes reading reject with a `TypeError`. */
  output<K, V>(topic: string, serdes: TopicSerdes<K, V>): TestOutput<K, V> {
    return new TestOutput(topic, serdes, this.#access())
  }

  /** Committed state; `send` has committed what it caused. */
  store<S>(definition: StoreDefinition<S>) {
    return this.#app.store(definition)
  }

  /** Wall-clock time, milliseconds since the epoch. */
  get now(): number {
    return this.#clock.now()
  }

  /** Moves wall-clock time: punctuators fire on the way, each at its time, and what comes of them is done when the call resolves. */
  async advanceWallClock(ms: number): Promise<void> {
    await this.settle()
    await this.#clock.advance(ms, () => this.settle())
    await this.settle()
  }

  /** Resolves when everything that was sent has been processed and committed; rejects with what made the application fail. */
  async settle(): Promise<void> {
    await Promise.race([this.#app.idle().then(() => this.#app.caughtUp()), this.#running])
    await Promise.race([this.#app.idle(), this.#running])
    await this.#app.commit()
  }

  /** Drains the application and removes its state. */
  async close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    try {
      await this.#app.close().catch(() => undefined)
      await this.#writer.close()
      await this.#admin.close()
    } finally {
      await rm(this.#folder, { recursive: true, force: true })
    }
  }

  #access() {
    return {
      now: () => this.#clock.now(),
      writer: () => Promise.resolve(this.#writer),
      openSource: this.#openSource,
      settle: () => this.settle(),
      partitions: async (topic: string): Promise<TopicPartition[]> => {
        const [description] = await this.#admin.describeTopics([topic])
        if (description === undefined)
          throw new TypeError(`There is no topic '${topic}': the topology does not name it, so give it to the driver in 'topics'.`)
        return Array.from({ length: description.partitions }, (_, partition) => ({ topic, partition }))
      },
    }
  }
}

/** Nobody moves the clock while a batch is tried again, or a circuit breaker is open. */
function withoutWaits({ retry, circuitBreaker = false, ...failure }: FailureOptions): FailureOptions {
  return {
    ...failure,
    retry: { ...retry, initialDelayMs: 0 },
    circuitBreaker: circuitBreaker === false ? false : { ...circuitBreaker, openMs: 0 },
  }
}

function topicsOf(topology: Topology): string[] {
  const topics = new Set<string>()
  for (const node of topology.nodes) {
    const refs = node.kind === 'source' ? node.topics : node.kind === 'sink' && typeof node.topic === 'object' ? [node.topic] : []
    for (const ref of refs) if (ref.kind === 'name') topics.add(ref.topic)
  }
  return [...topics]
}

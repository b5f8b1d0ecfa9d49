import {
  type App,
  type AppBatchOptions,
  type AppDefinition,
  type BatchingEvent,
  type BatchTrigger,
  defineApp,
  serdes,
  silentLogger,
  type SourceBatchOptions,
  start,
  TopologyBuilder,
} from 'millrace'
import { memory } from 'millrace/memory'
import { LogClient } from './log-client.ts'
import { temporaryFolder } from './temporary-folder.ts'

const pair = { key: serdes.string, value: serdes.int32 }

interface Cut {
  readonly topic: string
  readonly partition: number
  readonly records: number
  readonly trigger: BatchTrigger
}

/** Copies topics to `out`, told of every cut, of every change, and of how many records have been looked at. */
export class Copying implements AsyncDisposable {
  readonly cuts: Cut[] = []
  readonly changes: BatchingEvent[] = []
  readonly #disposals: AsyncDisposable[]
  readonly #seen: { readonly count: number }
  readonly app: App
  readonly log: LogClient
  #running: Promise<void> | undefined

  private constructor(parts: { app: App; log: LogClient; seen: { readonly count: number }; disposals: AsyncDisposable[] }) {
    this.app = parts.app
    this.log = parts.log
    this.#seen = parts.seen
    this.#disposals = parts.disposals
  }

  static async start(
    batch: AppBatchOptions,
    options: { partitions?: number; topics?: readonly string[]; source?: SourceBatchOptions; buffer?: AppDefinition['buffer'] } = {},
  ): Promise<Copying> {
    const { partitions = 1, topics = ['in'], source, buffer } = options
    const folder = await temporaryFolder()
    const transport = memory()
    const log = await LogClient.open(transport)
    await log.createTopics({ ...Object.fromEntries(topics.map((topic) => [topic, partitions])), out: partitions })
    const seen = { count: 0 }
    const builder = new TopologyBuilder('copy')
    // Each topic has tasks of its own.
    for (const topic of topics) {
      builder
        // Timestamps are looked at when a task asks whether there is a batch.
        .source(`read-${topic}`, { topics: [topic], ...pair, batch: source, timestamp: ({ timestamp }) => (seen.count++, timestamp) })
        .sink(`write-${topic}`, { topic: 'out', ...pair, partitioner: ({ partition }) => partition })
    }
    const observed: { copying?: Copying } = {}
    const app = await start(
      defineApp({
        topology: builder.build(),
        applicationId: 'batching',
        transport,
        stateDir: folder.path,
        logger: silentLogger,
        batch,
        buffer,
        observer: (event) => {
          if (event.type === 'cut') observed.copying?.cuts.push(event)
          else if (event.type === 'batching') observed.copying?.changes.push(event)
        },
      }),
    )
    const copying = new Copying({ app, log, seen, disposals: [app, log, folder] })
    observed.copying = copying
    return copying
  }

  run(): this {
    this.#running = this.app.run()
    this.#running.catch(() => undefined)
    return this
  }

  /** Writes `count` records with ascending values, from `first` on. */
  async write(count: number, { topic = 'in', partition = 0, first = 0 } = {}): Promise<void> {
    await this.log.write(
      topic,
      pair,
      Array.from({ length: count }, (_, i) => ({ key: 'k', value: first + i, partition })),
    )
  }

  /** Records that have been read and looked at. */
  get recordsSeen(): number {
    return this.#seen.count
  }

  get recordsCut(): number {
    return this.cuts.reduce((sum, { records }) => sum + records, 0)
  }

  /** The values in `out`, by partition. */
  async copied(): Promise<number[][]> {
    const values: number[][] = []
    for (const { partition, value } of await this.log.readAll('out', pair)) (values[partition] ??= []).push(value)
    return values
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#disposals) await one[Symbol.asyncDispose]()
  }
}

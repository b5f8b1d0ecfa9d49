import { randomUUID } from 'node:crypto'
import { setImmediate, setTimeout as pause } from 'node:timers/promises'
import { type BatchEvent, type CutEvent, type RecordWriter, serializeColumn, type Transport, viewColumn } from '@millrace/core'
import {
  type App,
  type AppBatchOptions,
  type AppDefinition,
  type BatchingEvent,
  defineApp,
  type RecordBatch,
  type RuntimeEvent,
  serdes,
  silentLogger,
  start,
  type Topology,
  TopologyBuilder,
} from 'millrace'
import { LogClient } from './log-client.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { transportWith } from './transport-with.ts'

/** The key is the record's number in its partition, and always has four bytes. */
const numbered = { key: serdes.int32, value: serdes.bytes }
const KEY_BYTES = 4

export interface BatchingRunOptions {
  readonly partitions?: number
  /** Awaited with each batch before it is copied. */
  readonly work?: (batch: RecordBatch<number, Uint8Array>) => Promise<void> | void
  readonly overrides?: Partial<AppDefinition>
}

/** What was asked of the source, besides records. */
interface Reading {
  /** Records that were handed out. */
  polled: number
  /** Pauses and resumes, such as `pause 0`. */
  readonly holds: string[]
}

type Copy = readonly [number: number, bytes: number]

interface Parts {
  readonly transport: Transport
  readonly batch: AppBatchOptions
  readonly options: BatchingRunOptions
  readonly log: LogClient
  readonly writer: RecordWriter
}

interface Member {
  readonly app: App
  readonly folder: AsyncDisposable
}

/** Copies a topic of its own, told of every cut, of every change, of what is assigned, and of what is asked of the source. */
export class BatchingRun implements AsyncDisposable {
  readonly cuts: CutEvent[] = []
  /** Batches that went through a node. */
  readonly passes: BatchEvent[] = []
  readonly changes: BatchingEvent[] = []
  /** Assignments and their ends, such as `assigned copy-0`. */
  readonly assignments: string[] = []
  /** Serialised bytes of each record that was written, by partition. */
  readonly written: number[][]
  readonly topics: { readonly input: string; readonly output: string }
  readonly applicationId: string
  readonly #parts: Parts
  readonly #reading: Reading = { polled: 0, holds: [] }
  readonly #members: Member[] = []

  private constructor(parts: Parts) {
    const id = randomUUID().slice(0, 8)
    this.#parts = parts
    this.written = Array.from({ length: parts.options.partitions ?? 1 }, () => [])
    this.topics = { input: `in-${id}`, output: `out-${id}` }
    this.applicationId = `batching-${id}`
  }

  /** Runs until it is disposed of. */
  static async start(transport: Transport, batch: AppBatchOptions, options: BatchingRunOptions = {}): Promise<BatchingRun> {
    const log = await LogClient.open(transport)
    const writer = await transport.openWriter({ clientId: 'input' }, { logger: silentLogger })
    const run = new BatchingRun({ transport, batch, options, log, writer })
    const { input, output } = run.topics
    const { length } = run.written
    await log.createTopics({ [input]: length, [output]: length })
    await run.join()
    return run
  }

  /** Starts a member of the group, of which the first is `app`; what it tells is told with the rest. */
  async join(): Promise<App> {
    const { transport, batch, options } = this.#parts
    const folder = await temporaryFolder()
    const app = await start(
      defineApp({
        topology: this.#topology(),
        applicationId: this.applicationId,
        transport: watched(transport, this.#reading),
        stateDir: folder.path,
        logger: silentLogger,
        batch,
        ...options.overrides,
        observer: (event) => this.#observe(event),
      }),
    )
    this.#members.push({ app, folder })
    app.run().catch(() => undefined)
    return app
  }

  #topology(): Topology {
    const { work } = this.#parts.options
    const builder = new TopologyBuilder('copy')
    builder
      .source('in', { topics: [this.topics.input], ...numbered })
      .processBatch<number, Uint8Array>('work', async (one, context) => {
        await work?.(one)
        context.forwardBatch({ keys: one.keys, values: one.values })
      })
      .sink('out', { topic: this.topics.output, ...numbered, partitioner: ({ partition }) => partition })
    return builder.build()
  }

  #observe(event: RuntimeEvent): void {
    if (event.type === 'cut') this.cuts.push(event)
    else if (event.type === 'batch') this.passes.push(event)
    else if (event.type === 'batching') this.changes.push(event)
    else if (event.type === 'assigned' || event.type === 'revoked' || event.type === 'lost')
      this.assignments.push(...event.tasks.map((task) => `${event.type} ${task}`))
  }

  get app(): App {
    return (this.#members[0] as Member).app
  }

  /** Writes records whose values have so many bytes each, in order. */
  async write(sizes: readonly number[], partition = 0): Promise<void> {
    const known = this.written[partition] as number[]
    const { length } = sizes
    await this.#parts.writer.writeBatch({
      topic: this.topics.input,
      length,
      keys: serializeColumn(
        serdes.int32,
        sizes.map((_, i) => known.length + i),
      ),
      values: viewColumn(sizes.map((size) => Buffer.alloc(size, 'x'))),
      timestamps: new Float64Array(length).fill(Date.now()),
      partitions: sizes.map(() => partition),
    })
    known.push(...sizes.map((size) => size + KEY_BYTES))
  }

  /** Resolves when everything written has been read, and whatever can be cut of it now is processed. */
  async settled(): Promise<void> {
    await this.read()
    await this.app.idle()
  }

  /** Resolves when everything written has been read. */
  async read(): Promise<void> {
    await this.#parts.writer.flush()
    while (this.polled < this.recordsWritten) await pause(5)
    // What was polled is handed to its tasks before anything else happens.
    await setImmediate()
  }

  get recordsWritten(): number {
    return this.written.reduce((sum, { length }) => sum + length, 0)
  }

  get recordsCut(): number {
    return this.cuts.reduce((sum, { records }) => sum + records, 0)
  }

  get polled(): number {
    return this.#reading.polled
  }

  /** Pauses and resumes of partitions, such as `pause 0`. */
  get holds(): readonly string[] {
    return this.#reading.holds
  }

  /** Each cut in short, such as `50 by records`. */
  get told(): string[] {
    return this.cuts.map(({ records, trigger }) => `${records} by ${trigger}`)
  }

  /** The group's committed offsets. */
  committed(): Promise<(number | undefined)[]> {
    return this.#parts.log.committed(this.applicationId, this.topics.input)
  }

  /** Number and serialised bytes of each record that was written, by partition. */
  get originals(): Copy[][] {
    return this.written.map((sizes) => sizes.map((size, i) => [i, size]))
  }

  /** Number and serialised bytes of each record in the output, by partition. */
  async copies(): Promise<Copy[][]> {
    // What a cut tells of is done, and may still be on its way.
    for (const { app } of this.#members) if (app.state === 'running') await app.commit()
    const copies = this.written.map((): Copy[] => [])
    for (const { key, value, partition } of await this.#parts.log.readAll(this.topics.output, numbered))
      copies[partition]?.push([key, value.length + KEY_BYTES])
    return copies
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { log, writer } = this.#parts
    for (const { app, folder } of this.#members) {
      await app.close()
      await folder[Symbol.asyncDispose]()
    }
    await writer.close()
    await log[Symbol.asyncDispose]()
  }
}

/** The same transport, whose source of a group tells what it is asked for. */
function watched(transport: Transport, reading: Reading): Transport {
  return transportWith(transport, {
    openSource: async (options, context) => {
      const source = await transport.openSource(options, context)
      if (options.groupId === undefined) return source
      const poll = source.poll.bind(source)
      source.poll = async (maxWaitMs) => {
        const result = await poll(maxWaitMs)
        for (const { length } of result.batches) reading.polled += length
        return result
      }
      for (const what of ['pause', 'resume'] as const) {
        const act = source[what].bind(source)
        source[what] = (partitions) => {
          reading.holds.push(...partitions.map(({ partition }) => `${what} ${partition}`))
          act(partitions)
        }
      }
      return source
    },
  })
}

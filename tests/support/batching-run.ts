import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { type CutEvent, type RecordWriter, serializeColumn, type Transport, viewColumn } from '@millrace/core'
import {
  type App,
  type AppBatchOptions,
  type AppDefinition,
  type BatchingEvent,
  defineApp,
  type RecordBatch,
  serdes,
  silentLogger,
  start,
  TopologyBuilder,
} from 'millrace'
import { expect } from 'vitest'
import { LogClient } from './log-client.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { transportWith } from './transport-with.ts'

/** The key is the record's number in its partition, and always has four bytes. */
const numbered = { key: serdes.int32, value: serdes.bytes }
const KEY_BYTES = 4
/** Nothing takes so long unless it hangs. */
const soon = { timeout: 45_000 }

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

/** Copies a topic of its own, told of every cut, of every change, of what is assigned, and of what is asked of the source. */
export class BatchingRun implements AsyncDisposable {
  readonly cuts: CutEvent[] = []
  readonly changes: BatchingEvent[] = []
  /** Assignments and their ends, such as `assigned copy-0`. */
  readonly assignments: string[] = []
  /** Serialised bytes of each record that was written, by partition. */
  readonly written: number[][]
  readonly topics: { readonly input: string; readonly output: string }
  readonly #opened: AsyncDisposable[]
  readonly #reading: Reading
  readonly #log: LogClient
  readonly #writer: RecordWriter
  readonly applicationId: string
  #app: App | undefined

  private constructor(parts: { log: LogClient; writer: RecordWriter; partitions: number; opened: AsyncDisposable[]; reading: Reading }) {
    const id = randomUUID().slice(0, 8)
    this.#log = parts.log
    this.#writer = parts.writer
    this.#opened = parts.opened
    this.#reading = parts.reading
    this.written = Array.from({ length: parts.partitions }, () => [])
    this.topics = { input: `in-${id}`, output: `out-${id}` }
    this.applicationId = `batching-${id}`
  }

  /** Runs until it is disposed of. */
  static async start(transport: Transport, batch: AppBatchOptions, options: BatchingRunOptions = {}): Promise<BatchingRun> {
    const { partitions = 1, work, overrides } = options
    const folder = await temporaryFolder()
    const log = await LogClient.open(transport)
    const writer = await transport.openWriter({ clientId: 'input' }, { logger: silentLogger })
    const reading: Reading = { polled: 0, holds: [] }
    const run = new BatchingRun({ log, writer, partitions, opened: [writer, log, folder], reading })
    const { input, output } = run.topics
    await log.createTopics({ [input]: partitions, [output]: partitions })
    const builder = new TopologyBuilder('copy')
    builder
      .source('in', { topics: [input], ...numbered })
      .processBatch<number, Uint8Array>('work', async (one, context) => {
        await work?.(one)
        context.forwardBatch({ keys: one.keys, values: one.values })
      })
      .sink('out', { topic: output, ...numbered, partitioner: ({ partition }) => partition })
    run.#app = await start(
      defineApp({
        topology: builder.build(),
        applicationId: run.applicationId,
        transport: watched(transport, reading),
        stateDir: folder.path,
        logger: silentLogger,
        batch,
        ...overrides,
        observer: (event) => {
          if (event.type === 'cut') run.cuts.push(event)
          else if (event.type === 'batching') run.changes.push(event)
          else if (event.type === 'assigned' || event.type === 'revoked' || event.type === 'lost')
            run.assignments.push(...event.tasks.map((task) => `${event.type} ${task}`))
        },
      }),
    )
    run.app.run().catch(() => undefined)
    return run
  }

  get app(): App {
    return this.#app as App
  }

  /** Writes records whose values have so many bytes each, in order. */
  async write(sizes: readonly number[], partition = 0): Promise<void> {
    const known = this.written[partition] as number[]
    const { length } = sizes
    await this.#writer.writeBatch({
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
    await this.#writer.flush()
    await expect.poll(() => this.polled, soon).toBe(this.recordsWritten)
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
    return this.#log.committed(this.applicationId, this.topics.input)
  }

  /** All that was written has been copied: once, in order, byte for byte as long. */
  async expectCopied(): Promise<void> {
    const copies = this.written.map((): [number, number][] => [])
    for (const { key, value, partition } of await this.#log.readAll(this.topics.output, numbered))
      copies[partition]?.push([key, value.length + KEY_BYTES])
    expect(copies).toEqual(this.written.map((sizes) => sizes.map((size, i) => [i, size])))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app?.close()
    for (const one of this.#opened) await one[Symbol.asyncDispose]()
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

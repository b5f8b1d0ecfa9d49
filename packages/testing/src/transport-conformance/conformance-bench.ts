import { setTimeout as sleep } from 'node:timers/promises'
import {
  silentLogger,
  type NewTopic,
  type RecordSource,
  type RecordSourceOptions,
  type RecordWriter,
  type RecordWriterOptions,
  type Transport,
  type TransportAdmin,
  type TransportContext,
} from '@millrace/core'
import type { ConformanceAssert } from './conformance-case.ts'
import { readRecordsOf, writeBatchOf, type ReadRecord, type TextRecord } from './text-records.ts'

/** How long one poll of a waiting case waits. */
const POLL_MS = 100
/** Between two looks: an event loop that never sleeps takes a core from what is waited for. */
const LOOK_MS = 5

export interface ConformanceBenchOptions {
  readonly transport: Transport
  readonly assert: ConformanceAssert
  readonly limitMs: number
  readonly uniqueName: () => string
}

interface Closable {
  close(): Promise<void>
}

/** What a case works with: opens parts of the transport, names that nobody else uses, and waits with a limit. */
export class ConformanceBench {
  readonly assert: ConformanceAssert
  readonly context: TransportContext = { logger: silentLogger }
  readonly #transport: Transport
  readonly #limitMs: number
  readonly #uniqueName: () => string
  readonly #opened: Closable[] = []
  #admin: TransportAdmin | undefined

  constructor({ transport, assert, limitMs, uniqueName }: ConformanceBenchOptions) {
    this.#transport = transport
    this.assert = assert
    this.#limitMs = limitMs
    this.#uniqueName = uniqueName
  }

  /** A name nobody else uses: for groups, clients, topics and transactional ids. */
  name(): string {
    return this.#uniqueName()
  }

  /** One for the whole case. */
  async admin(): Promise<TransportAdmin> {
    this.#admin ??= this.#keep(await this.#transport.openAdmin(this.context))
    return this.#admin
  }

  /** A new topic. */
  async topic(partitions = 1, options: Partial<NewTopic> = {}): Promise<string> {
    const topic = options.topic ?? this.name()
    const admin = await this.admin()
    // Records of a case have small timestamps: a broker would delete them as soon as it looks for what is too old.
    await admin.createTopics([{ partitions, ...options, topic, config: { 'retention.ms': '-1', ...options.config } }])
    return topic
  }

  async writer(options: Partial<RecordWriterOptions> = {}): Promise<RecordWriter> {
    return this.#keep(await this.#transport.openWriter({ clientId: this.name(), ...options }, this.context))
  }

  async source(options: Partial<RecordSourceOptions> = {}): Promise<RecordSource> {
    const defaults = { clientId: this.name(), isolation: 'read-uncommitted' } as const
    return this.#keep(await this.#transport.openSource({ ...defaults, ...options }, this.context))
  }

  #keep<T extends Closable>(part: T): T {
    this.#opened.push(part)
    return part
  }

  /** Writes records and sees to it that they have arrived. */
  async write(topic: string, records: readonly TextRecord[]): Promise<void> {
    const writer = await this.writer()
    await writer.writeBatch(writeBatchOf(topic, records))
    this.assert.deepEqual(await writer.flush(), [], 'every record is delivered')
    await writer.close()
  }

  /** Writes `0`, `1`, ... to a partition. */
  async writeNumbers(topic: string, count: number, partition = 0): Promise<void> {
    await this.write(
      topic,
      Array.from({ length: count }, (_, i) => ({ value: String(i), partition })),
    )
  }

  /** What one poll brings, copied out; releases its batches. */
  async pollOnce(source: RecordSource, maxWaitMs = POLL_MS): Promise<ReadRecord[]> {
    const { batches } = await source.poll(maxWaitMs)
    const records: ReadRecord[] = []
    for (const batch of batches) {
      records.push(...readRecordsOf(batch))
      batch.release()
    }
    return records
  }

  /** Polls until `count` records have come; more than that is an error. */
  async read(source: RecordSource, count: number): Promise<ReadRecord[]> {
    const records: ReadRecord[] = []
    await this.until(`${count} records are read`, async () => {
      records.push(...(await this.pollOnce(source)))
      return records.length >= count
    })
    this.assert.equal(records.length, count, 'no more records come than were written')
    return records
  }

  /** Polls until a partition's end is told; the records read on the way, and the end. */
  async readToEnd(source: RecordSource, partition = 0): Promise<{ readonly records: ReadRecord[]; readonly end: number }> {
    const records: ReadRecord[] = []
    let end = -1
    await this.until('the end of the partition is told', async () => {
      const { batches, ends } = await source.poll(POLL_MS)
      for (const batch of batches) {
        records.push(...readRecordsOf(batch))
        batch.release()
      }
      end = ends.find((told) => told.partition === partition)?.offset ?? end
      return end >= 0
    })
    return { records, end }
  }

  /** Repeats `step` until it says true; fails when the limit is reached. */
  async until(what: string, step: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + this.#limitMs
    while (!(await step())) {
      if (performance.now() > deadline) throw new Error(`Waited ${this.#limitMs} ms until ${what}: in vain.`)
      await sleep(LOOK_MS)
    }
  }

  /** Polls all of `sources` until `done`; what they read is dropped. */
  async pollUntil(sources: readonly RecordSource[], what: string, done: () => boolean): Promise<void> {
    await this.until(what, async () => {
      await Promise.all(sources.map((source) => this.pollOnce(source)))
      return done()
    })
  }

  /** The error that `operation` rejects with. */
  async rejection(operation: Promise<unknown>): Promise<unknown> {
    try {
      await operation
    } catch (error) {
      return error
    }
    throw new Error('The operation was to be refused, and was not.')
  }

  /** Closes what the case has opened, in reverse order, all of it even when something can't be closed. */
  async close(): Promise<void> {
    const errors: unknown[] = []
    for (const part of this.#opened.toReversed()) await part.close().catch((error: unknown) => errors.push(error))
    if (errors.length > 0) throw new AggregateError(errors, 'Not everything that the case opened could be closed.')
  }
}

/** The stable code of a `MillraceError`; undefined for anything else. */
export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}

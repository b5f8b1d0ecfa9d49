import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  bytesAt,
  type Headers,
  type Logger,
  type NewTopic,
  type RecordSource,
  type RecordSourceOptions,
  type RecordWriter,
  type RecordWriterOptions,
  silentLogger,
  type Transport,
  type TransportAdmin,
  viewColumn,
  type WireBatch,
  type WriteBatch,
} from '@millrace/core'
import { inject } from 'vitest'
import { kafka, type KafkaOptions } from '../../src/index.ts'

const LIMIT_MS = 30_000
/** Between two looks: an event loop that never sleeps takes a core from the brokers and processes that are waited for. */
const LOOK_MS = 5

export interface Row {
  readonly key?: string | null
  readonly value?: string | Uint8Array | null
  readonly partition?: number
  readonly timestamp?: number
  readonly headers?: Headers
}

/** The broker of this run, with names that nobody else uses; closes what was opened through it. */
export class Cluster implements AsyncDisposable {
  readonly brokers = inject('kafkaBrokers')
  readonly transport: Transport
  readonly #logger: Logger
  readonly #opened: { close(): Promise<void> }[] = []
  #admin: TransportAdmin | undefined

  constructor(options: Partial<KafkaOptions> = {}, logger: Logger = silentLogger) {
    this.transport = kafka({ brokers: this.brokers, ...options })
    this.#logger = logger
  }

  name(): string {
    return `kafka-${randomUUID()}`
  }

  async admin(): Promise<TransportAdmin> {
    this.#admin ??= this.#keep(await this.transport.openAdmin({ logger: this.#logger }))
    return this.#admin
  }

  async topic(partitions = 1, config: NewTopic['config'] = {}): Promise<string> {
    const topic = this.name()
    const admin = await this.admin()
    await admin.createTopics([{ topic, partitions, config }])
    return topic
  }

  async source(options: Partial<RecordSourceOptions> = {}): Promise<RecordSource> {
    const defaults = { clientId: this.name(), isolation: 'read-uncommitted' } as const
    return this.#keep(await this.transport.openSource({ ...defaults, ...options }, { logger: this.#logger }))
  }

  async writer(options: Partial<RecordWriterOptions> = {}): Promise<RecordWriter> {
    return this.#keep(await this.transport.openWriter({ clientId: this.name(), ...options }, { logger: this.#logger }))
  }

  async write(topic: string, rows: readonly Row[]): Promise<void> {
    const writer = await this.writer()
    await writer.writeBatch(batchOf(topic, rows))
    const failures = await writer.flush()
    if (failures.length > 0) throw failures[0]?.error as Error
    await writer.close()
  }

  /** Writes `0`, `1`, ... to a partition. */
  async writeNumbers(topic: string, count: number, partition = 0): Promise<void> {
    await this.write(
      topic,
      Array.from({ length: count }, (_, i) => ({ value: String(i), partition })),
    )
  }

  #keep<T extends { close(): Promise<void> }>(part: T): T {
    this.#opened.push(part)
    return part
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of this.#opened.toReversed()) await part.close()
  }
}

export function batchOf(topic: string, rows: readonly Row[]): WriteBatch {
  // Not 1970: a broker deletes records that are older than its retention, as soon as it looks.
  const now = Date.now()
  return {
    topic,
    length: rows.length,
    keys: viewColumn(rows.map(({ key }) => bytesOf(key))),
    values: viewColumn(rows.map(({ value }) => bytesOf(value))),
    timestamps: rows.map(({ timestamp }) => timestamp ?? now),
    partitions: rows.map(({ partition }) => partition ?? -1),
    headers: rows.map(({ headers }) => headers),
  }
}

function bytesOf(value: string | Uint8Array | null | undefined): Uint8Array | null {
  return typeof value === 'string' ? new TextEncoder().encode(value) : (value ?? null)
}

export function valuesOf(batch: WireBatch): string[] {
  return Array.from({ length: batch.length }, (_, i) => Buffer.from(bytesAt(batch.values, i) ?? []).toString())
}

/** Repeats `step` until it says true. */
export async function until(what: string, step: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + LIMIT_MS
  while (!(await step())) {
    if (performance.now() > deadline) throw new Error(`Waited ${LIMIT_MS} ms until ${what}: in vain.`)
    await sleep(LOOK_MS)
  }
}

/** The batches of one poll. */
export async function pollBatches(source: RecordSource, maxWaitMs = 100): Promise<readonly WireBatch[]> {
  return (await source.poll(maxWaitMs)).batches
}

/** The values of `count` records of a source. */
export async function readValues(source: RecordSource, count: number): Promise<string[]> {
  const values: string[] = []
  await until(`${count} records are read`, async () => {
    for (const batch of await pollBatches(source)) values.push(...valuesOf(batch))
    return values.length >= count
  })
  return values
}

/** What the first poll to reject rejects with, and the values read before. */
export async function pollError(source: RecordSource): Promise<{ readonly error: unknown; readonly values: readonly string[] }> {
  const values: string[] = []
  let thrown: unknown
  await until('a poll rejects', async () => {
    try {
      for (const batch of await pollBatches(source)) values.push(...valuesOf(batch))
      return false
    } catch (error) {
      thrown = error
      return true
    }
  })
  return { error: thrown, values }
}

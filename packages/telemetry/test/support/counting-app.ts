import { type AppDefinition, defineApp, type Processor, serdes, silentLogger, TopologyBuilder, viewColumn } from '@millrace/core'
import { type App, start } from '@millrace/runtime'
import { inMemory } from '@millrace/store-memory'
import { memory, type MemoryTransport } from '@millrace/transport-memory'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { observed, type Telemetry, type TelemetryOptions } from '@millrace/telemetry'

const counts = inMemory.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
const pair = { key: serdes.string, value: serdes.string }

export interface CountingOptions {
  readonly telemetry?: TelemetryOptions
  readonly definition?: Partial<AppDefinition>
  readonly transport?: MemoryTransport
  /** Called with each record before it is counted. */
  readonly before?: Processor<string, string, string, number>['process']
}

/** Counts records by key on the embedded log, observed. */
export class CountingApp implements AsyncDisposable {
  readonly transport: MemoryTransport
  readonly telemetry: Telemetry
  readonly app: App
  readonly #folder: string
  readonly #running: Promise<void>

  private constructor(parts: { transport: MemoryTransport; telemetry: Telemetry; app: App; folder: string }) {
    this.transport = parts.transport
    this.telemetry = parts.telemetry
    this.app = parts.app
    this.#folder = parts.folder
    this.#running = parts.app.run()
    this.#running.catch(() => undefined)
  }

  static async start({ telemetry, definition, transport = memory(), before }: CountingOptions = {}): Promise<CountingApp> {
    const admin = await transport.openAdmin({ logger: silentLogger })
    await admin.createTopics([
      { topic: 'in', partitions: 2 },
      { topic: 'out', partitions: 1 },
      { topic: 'dead', partitions: 1 },
    ])
    await admin.close()
    const folder = await mkdtemp(join(tmpdir(), 'millrace-telemetry-'))
    const builder = new TopologyBuilder('counting')
    builder
      .source('in', { topics: ['in'], ...pair })
      .process<string, number>(
        'count',
        async (record, context) => {
          await before?.(record, context)
          const store = context.store(counts)
          const count = (store.get(record.key) ?? 0) + 1
          store.set(record.key, count)
          context.forward({ ...record, value: count })
        },
        { stores: [counts] },
      )
      .sink('out', { topic: 'out', key: serdes.string, value: serdes.safeInt64 })
    const observing = observed(
      defineApp({
        topology: builder.build(),
        applicationId: 'counting',
        transport,
        stateDir: folder,
        logger: silentLogger,
        batch: { size: 10, timeoutMs: 1 },
        ...definition,
      }),
      telemetry,
    )
    const app = await start(observing.definition)
    await observing.attach(app)
    return new CountingApp({ transport, telemetry: observing, app, folder })
  }

  /** Writes records to `in`; each has its key as its value, unless it says another. */
  async write(records: readonly { key: string; value?: string; partition?: number; headers?: Readonly<Record<string, string>> }[]) {
    const writer = await this.transport.openWriter({ clientId: 'test' }, { logger: silentLogger })
    await writer.writeBatch({
      topic: 'in',
      length: records.length,
      keys: viewColumn(records.map(({ key }) => Buffer.from(key))),
      values: viewColumn(records.map(({ key, value = key }) => Buffer.from(value))),
      timestamps: records.map(() => 1_700_000_000_000),
      partitions: records.map(({ partition = -1 }) => partition),
      headers: records.map(({ headers = {} }) => Object.entries(headers).map(([key, value]) => ({ key, value: Buffer.from(value) }))),
    })
    await writer.flush()
    await writer.close()
  }

  /** Asks the server. */
  ask(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.telemetry.url}${path}`, init)
  }

  /** The end of the application's run. */
  get ended(): Promise<void> {
    return this.#running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close().catch(() => undefined)
    await this.telemetry.close()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

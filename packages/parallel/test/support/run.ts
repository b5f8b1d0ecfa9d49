import {
  type BatchOutcome,
  type BatchProcessor,
  ColumnBatch,
  type Headers,
  type OutputColumns,
  type ProcessorContext,
  silentLogger,
} from '@millrace/core'
import { type AnyParallelFunction, parallelBatch, type ParallelBatchOptions } from '../../src/index.ts'

export const functions = new URL('../modules/functions.mjs', import.meta.url)

/** Whether Node runs modules in TypeScript by itself, as it does from 22.18 on. */
export const runsTypeScript = Boolean((process.features as { readonly typescript?: unknown }).typescript)

type AnyContext = ProcessorContext<unknown, unknown>

/** What a processor did with a batch. */
export interface Ran {
  readonly outcome: BatchOutcome | undefined
  /** Key, value and index of the source of each record. */
  readonly records: readonly (readonly [unknown, unknown, number])[]
  readonly columns: OutputColumns<unknown, unknown> | undefined
}

/** A processor as the engine runs it, which tells what it forwards. */
export class Running {
  readonly abort = new AbortController()
  /** What was logged as a warning. */
  readonly warnings: object[] = []
  readonly #processor: BatchProcessor<unknown, unknown, unknown, unknown>
  #forwarded: OutputColumns<unknown, unknown> | undefined
  readonly #context: AnyContext

  private constructor(processor: BatchProcessor<unknown, unknown, unknown, unknown>, signal: AbortSignal | undefined) {
    this.#processor = processor
    this.#context = {
      taskId: '0_0',
      logger: { ...silentLogger, warn: (fields) => void this.warnings.push(fields) },
      signal: signal ?? this.abort.signal,
      forwardBatch: (columns: OutputColumns<unknown, unknown>) => {
        if (this.#forwarded !== undefined) throw new Error('It forwarded twice.')
        this.#forwarded = columns
      },
    } as Partial<AnyContext> as AnyContext
  }

  static async start(supplier: { readonly create: () => unknown }, signal?: AbortSignal): Promise<Running> {
    const running = new Running(supplier.create() as BatchProcessor<unknown, unknown, unknown, unknown>, signal)
    await running.#processor.init?.(running.#context)
    return running
  }

  async run(values: readonly unknown[], more: { keys?: readonly unknown[]; headers?: readonly Headers[] } = {}): Promise<Ran> {
    this.#forwarded = undefined
    const batch = new ColumnBatch({
      topic: 'in',
      partition: 2,
      trigger: 'records',
      keys: more.keys ?? values.map((_, i) => `k${i}`),
      values,
      timestamps: values.map((_, i) => 1_000 + i),
      offsets: values.map((_, i) => 70 + i),
      headers: more.headers,
    })
    const outcome = (await this.#processor.processBatch(batch, this.#context)) as BatchOutcome | undefined
    const columns = this.#forwarded as OutputColumns<unknown, unknown> | undefined
    const records = (columns?.keys ?? []).map((key, i) => [key, columns?.values[i], columns?.sources?.[i] as number] as const)
    return { outcome, records, columns }
  }

  async close(): Promise<void> {
    await this.#processor.close?.()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** A processor that runs one of the functions, in two threads unless told otherwise. */
export function start(name: string, options: Partial<ParallelBatchOptions> = {}): Promise<Running> {
  return Running.start(parallelBatch<AnyParallelFunction>({ module: functions, export: name, threads: 2, ...options }))
}

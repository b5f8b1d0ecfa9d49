import type {
  Logger,
  OutputColumns,
  OutputPort,
  OutputRecord,
  ProcessorContext,
  PunctuationType,
  Punctuator,
  StoreDefinition,
} from '@millrace/core'
import type { NodeContext } from './node-context.ts'

/**
 * The context of one record of several in flight: what it forwards and changes has this record's place and time, whatever else goes on. Over as soon
 * as the record is done.
 */
export class RecordContext implements ProcessorContext<unknown, unknown, Record<string, never>> {
  readonly #node: NodeContext
  readonly #index: number
  readonly #timestamp: number
  readonly streamTime: number
  #to: Readonly<Record<string, never>> | undefined
  #done = false

  constructor(node: NodeContext, index: number, times: { readonly timestamp: number; readonly streamTime: number }) {
    this.#node = node
    this.#index = index
    this.#timestamp = times.timestamp
    this.streamTime = times.streamTime
  }

  get applicationId(): string {
    return this.#node.applicationId
  }
  get taskId(): string {
    return this.#node.taskId
  }
  get partition(): number {
    return this.#node.partition
  }
  get node(): string {
    return this.#node.node
  }
  get logger(): Logger {
    return this.#node.logger
  }
  get signal(): AbortSignal {
    return this.#node.signal
  }
  get to(): Readonly<Record<string, never>> {
    return (this.#to ??= this.#node.portsOf((name) => this.#port(name)))
  }

  forward(record: OutputRecord<unknown, unknown>): void {
    this.#node.forwardFrom(this.#place, '', record)
  }

  forwardBatch(columns: OutputColumns<unknown, unknown>): void {
    this.#node.forwardColumnsFrom(this.#place, '', columns)
  }

  store<Store>(definition: StoreDefinition<Store>): Store {
    return this.#node.store(definition, () => this.#writeTimestamp)
  }

  schedule(everyMs: number, type: PunctuationType, punctuator: Punctuator): () => void {
    return this.#node.schedule(everyMs, type, punctuator)
  }

  requestCommit(): void {
    this.#node.requestCommit()
  }

  /** Its record is done: what still uses it was not awaited. */
  end(): void {
    this.#done = true
  }

  get #place(): number | undefined {
    return this.#done ? undefined : this.#index
  }

  get #writeTimestamp(): number {
    if (!this.#done) return this.#timestamp
    throw new TypeError(
      `Node '${this.node}' changed a store for a record that was done: change it in process, and await what you start there.`,
    )
  }

  #port(name: string): OutputPort<unknown, unknown> {
    return {
      forward: (record) => this.#node.forwardFrom(this.#place, name, record),
      forwardBatch: (columns) => this.#node.forwardColumnsFrom(this.#place, name, columns),
    }
  }
}

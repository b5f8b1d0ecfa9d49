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
 * The context of one attempt at a batch, or at its records one after another. What was not awaited and goes on when the attempt is over forwards nothing
 * into the next one; if the attempt has failed, it changes nothing through the stores that it was given either.
 */
export class AttemptContext implements ProcessorContext<unknown, unknown, Record<string, never>> {
  readonly #node: NodeContext
  readonly #stores = new Map<string, unknown>()
  #to: Readonly<Record<string, never>> | undefined
  #over = false
  #failed = false

  constructor(node: NodeContext) {
    this.#node = node
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
  get streamTime(): number {
    return this.#node.streamTime
  }
  get to(): Readonly<Record<string, never>> {
    return (this.#to ??= this.#node.portsOf((name) => this.#port(name)))
  }

  forward(record: OutputRecord<unknown, unknown>): void {
    this.#check()
    this.#node.forward(record)
  }

  forwardBatch(columns: OutputColumns<unknown, unknown>): void {
    this.#check()
    this.#node.forwardBatch(columns)
  }

  store<Store>(definition: StoreDefinition<Store>): Store {
    const known = this.#stores.get(definition.name)
    if (known !== undefined) return known as Store
    const store = this.#node.store(definition, () => this.#writeTimestamp)
    this.#stores.set(definition.name, store)
    return store
  }

  schedule(everyMs: number, type: PunctuationType, punctuator: Punctuator): () => void {
    return this.#node.schedule(everyMs, type, punctuator)
  }

  requestCommit(): void {
    this.#node.requestCommit()
  }

  /** What still uses it was not awaited. */
  end(failed: boolean): void {
    this.#over = true
    this.#failed = failed
  }

  /** Who keeps a store beyond an attempt that went well may go on using it. */
  get #writeTimestamp(): number {
    if (!this.#failed) return this.#node.writeTimestamp
    throw new TypeError(
      `Node '${this.node}' changed a store in an attempt that has failed: await what you start in process or processBatch, all of it also when a part fails ` +
        `(Promise.allSettled), and ask the context for the store each time.`,
    )
  }

  #check(): void {
    // A punctuator that was scheduled in an attempt goes on using its context.
    if (!this.#over || this.#node.punctuating) return
    throw new TypeError(
      `Node '${this.node}' forwarded a record in an attempt that is over: await what you start in process or processBatch, all of it also when a part fails ` +
        `(Promise.allSettled).`,
    )
  }

  #port(name: string): OutputPort<unknown, unknown> {
    const port = (this.#node.to as Readonly<Record<string, OutputPort<unknown, unknown>>>)[name] as OutputPort<unknown, unknown>
    return {
      forward: (record) => {
        this.#check()
        port.forward(record)
      },
      forwardBatch: (columns) => {
        this.#check()
        port.forwardBatch(columns)
      },
    }
  }
}

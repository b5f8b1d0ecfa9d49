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

type AnyRecord = OutputRecord<unknown, unknown>
type AnyColumns = OutputColumns<unknown, unknown>

/** A context that is handed to a processor for a while: its node's, but for what it forwards and changes. */
export abstract class HandedContext implements ProcessorContext<unknown, unknown, Record<string, never>> {
  protected readonly context: NodeContext
  #to: Readonly<Record<string, never>> | undefined
  #stores: Map<string, unknown> | undefined

  constructor(context: NodeContext) {
    this.context = context
  }

  abstract get streamTime(): number

  /** To the output called `output`; '' is the default one. */
  protected abstract forwardTo(output: string, record: AnyRecord): void
  protected abstract forwardColumnsTo(output: string, columns: AnyColumns): void
  /** Of changes through the stores that it gives. Throws if there are to be none any more. */
  protected abstract writeTimestamp(): number

  get applicationId(): string {
    return this.context.applicationId
  }
  get taskId(): string {
    return this.context.taskId
  }
  get partition(): number {
    return this.context.partition
  }
  get node(): string {
    return this.context.node
  }
  get logger(): Logger {
    return this.context.logger
  }
  get signal(): AbortSignal {
    return this.context.signal
  }
  get to(): Readonly<Record<string, never>> {
    return (this.#to ??= this.context.portsOf((name) => this.port(name)))
  }

  forward(record: AnyRecord): void {
    this.forwardTo('', record)
  }

  forwardBatch(columns: AnyColumns): void {
    this.forwardColumnsTo('', columns)
  }

  store<Store>(definition: StoreDefinition<Store>): Store {
    this.context.guard()
    const known = this.#stores?.get(definition.name)
    if (known !== undefined) return known as Store
    const store = this.context.store(definition, () => this.writeTimestamp())
    // Many use none.
    this.#stores ??= new Map()
    this.#stores.set(definition.name, store)
    return store
  }

  schedule(everyMs: number, type: PunctuationType, punctuator: Punctuator): () => void {
    return this.context.schedule(everyMs, type, punctuator)
  }

  requestCommit(): void {
    this.context.requestCommit()
  }

  protected port(name: string): OutputPort<unknown, unknown> {
    return {
      forward: (record) => this.forwardTo(name, record),
      forwardBatch: (columns) => this.forwardColumnsTo(name, columns),
    }
  }
}

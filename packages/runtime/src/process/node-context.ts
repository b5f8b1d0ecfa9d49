import type {
  OutputColumns,
  OutputRecord,
  OutputPort,
  ProcessorContext,
  PunctuationType,
  Punctuator,
  StoreDefinition,
} from '@millrace/core'
import { Gathered } from './gathered.ts'
import type { NodeInput } from './node-input.ts'
import type { OutputBudget } from './output-budget.ts'
import type { Punctuations } from './punctuations.ts'
import type { TaskScope } from './task-scope.ts'

/** What the context needs to know of its node. */
export interface NodeIdentity {
  readonly name: string
  readonly outputs: readonly string[]
  readonly stores: readonly { readonly name: string }[]
}

type AnyRecord = OutputRecord<unknown, unknown>
type AnyColumns = OutputColumns<unknown, unknown>

/** The `ProcessorContext` of one node in one task: gathers what the node forwards while it runs. */
export class NodeContext implements ProcessorContext<unknown, unknown, Record<string, never>> {
  readonly node: string
  readonly to: Readonly<Record<string, never>>
  readonly #scope: TaskScope
  readonly #identity: NodeIdentity
  readonly #punctuations: Punctuations
  #gathered: Map<string, Gathered> | undefined
  #default: Gathered | undefined
  #input: NodeInput | undefined
  #sequence = 0
  /** Index of the record a single-record processor is working on; -1: find it by the offset of what is forwarded. */
  #current = -1
  #cursor = 0

  constructor(scope: TaskScope, identity: NodeIdentity, punctuations: Punctuations) {
    this.#scope = scope
    this.#identity = identity
    this.#punctuations = punctuations
    this.node = identity.name
    const ports: Record<string, OutputPort<unknown, unknown>> = {}
    for (const name of identity.outputs) {
      ports[name] = {
        forward: (record) => this.#forwardTo(this.#output(name), record),
        forwardBatch: (columns) => this.#forwardColumnsTo(this.#output(name), columns),
      }
    }
    this.to = Object.freeze(ports) as Readonly<Record<string, never>>
  }

  get applicationId(): string {
    return this.#scope.applicationId
  }
  get taskId(): string {
    return this.#scope.taskId
  }
  get partition(): number {
    return this.#scope.partition
  }
  get logger() {
    return this.#scope.logger
  }
  get signal(): AbortSignal {
    return this.#scope.signal
  }
  get streamTime(): number {
    return this.#scope.streamTime
  }

  forward(record: AnyRecord): void {
    this.#forwardTo(this.#default, record)
  }

  forwardBatch(columns: AnyColumns): void {
    this.#forwardColumnsTo(this.#default, columns)
  }

  store<Store>(definition: StoreDefinition<Store>): Store {
    this.#scope.guard()
    if (!this.#identity.stores.some((store) => store.name === definition.name)) {
      throw new TypeError(`Node '${this.node}' uses store '${definition.name}' without naming it: add it to the node's stores.`)
    }
    return this.#scope.storeHandle(definition.name) as Store
  }

  schedule(everyMs: number, type: PunctuationType, punctuator: Punctuator): () => void {
    this.#scope.guard()
    return this.#punctuations.schedule(this.node, everyMs, type, punctuator)
  }

  requestCommit(): void {
    this.#scope.guard()
    this.#scope.requestCommit()
  }

  /** Starts gathering: what is forwarded from now on belongs to `input`. */
  open(input: NodeInput, budget: OutputBudget): void {
    this.#input = input
    this.#sequence = 0
    this.#current = -1
    this.#cursor = 0
    const numbered = this.#identity.outputs.length > 0
    this.#default = new Gathered(input, budget, numbered)
    this.#gathered = new Map([['', this.#default]])
    for (const name of this.#identity.outputs) this.#gathered.set(name, new Gathered(input, budget, numbered))
  }

  /** A single-record processor takes record `index` of the input. */
  take(index: number): void {
    this.#current = index
  }

  /** Ends gathering: what was forwarded, by output name ('' is the default one). */
  close(): ReadonlyMap<string, Gathered> {
    const gathered = this.#gathered as Map<string, Gathered>
    this.abandon()
    return gathered
  }

  /** Ends gathering and forgets what was forwarded. */
  abandon(): void {
    this.#gathered = undefined
    this.#default = undefined
    this.#input = undefined
  }

  #output(name: string): Gathered | undefined {
    return this.#gathered?.get(name)
  }

  #forwardTo(gathered: Gathered | undefined, record: AnyRecord): void {
    this.#scope.guard()
    if (gathered === undefined) throw this.#notRunning()
    const parent = this.#current >= 0 ? this.#current : this.#parentOf(record)
    gathered.add(record, parent, this.#sequence++)
  }

  #forwardColumnsTo(gathered: Gathered | undefined, columns: AnyColumns): void {
    this.#scope.guard()
    if (gathered === undefined) throw this.#notRunning()
    if (this.#current >= 0 && columns.sources === undefined) {
      const sources = new Array<number>(columns.keys.length).fill(this.#current)
      this.#sequence += gathered.addColumns({ ...columns, sources }, this.#sequence)
    } else this.#sequence += gathered.addColumns(columns, this.#sequence)
  }

  /** The input record that a record forwarded by a batch processor comes from: by its offset, else the last one. */
  #parentOf(record: AnyRecord): number {
    const batch = (this.#input as NodeInput).batch
    const length = batch.length
    const offset = record.offset
    if (offset === undefined || length === 0) return length - 1
    for (let step = 0, at = this.#cursor; step < length; step++, at = at + 1 === length ? 0 : at + 1) {
      if (batch.offset(at) === offset) {
        this.#cursor = at
        return at
      }
    }
    return length - 1
  }

  #notRunning(): TypeError {
    return new TypeError(
      `Node '${this.node}' forwarded a record while it was processing nothing: forward from process, processBatch or a punctuator, and await what you start there.`,
    )
  }
}

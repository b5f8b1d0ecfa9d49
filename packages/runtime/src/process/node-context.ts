import type {
  KeptRows,
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
import { type TaskScope, writeTimestampOf } from './task-scope.ts'

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
  #guessed = false
  /** Index of the record a single-record processor is working on; -1: find it by the offset of what is forwarded. */
  #current = -1
  #cursor = 0
  /** Several records are being processed. */
  #several = false
  /** How many of them are done, and as which each was, where the output is to be in that order. */
  #done = 0
  #doneAt: Int32Array | undefined

  constructor(scope: TaskScope, identity: NodeIdentity, punctuations: Punctuations) {
    this.#scope = scope
    this.#identity = identity
    this.#punctuations = punctuations
    this.node = identity.name
    this.to = this.portsOf((name) => ({
      forward: (record) => this.forwardTo(name, record),
      forwardBatch: (columns) => this.forwardColumnsTo(name, columns),
    }))
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

  /** Whether a punctuator of the node is running. */
  get punctuating(): boolean {
    return this.#input?.punctuatedAt !== undefined
  }

  /** Of changes made now. Throws while several records are being processed, each with its own. */
  get writeTimestamp(): number {
    return writeTimestampOf(this.#scope)
  }

  forward(record: AnyRecord): void {
    this.forwardTo('', record)
  }

  forwardBatch(columns: AnyColumns): void {
    this.forwardColumnsTo('', columns)
  }

  /** Throws once the task is closed. */
  guard(): void {
    this.#scope.guard()
  }

  /** `timestamp`: of changes made through what it gives. Default: that of the record or batch being processed. */
  store<Store>(definition: StoreDefinition<Store>, timestamp?: () => number): Store {
    this.#scope.guard()
    if (!this.#identity.stores.some((store) => store.name === definition.name)) {
      throw new TypeError(`Node '${this.node}' uses store '${definition.name}' without naming it: add it to the node's stores.`)
    }
    return this.#scope.storeHandle(definition.name, timestamp) as Store
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
    this.#several = false
    this.#guessed = false
    this.#doneAt = undefined
    const numbered = this.#identity.outputs.length > 0
    this.#default = new Gathered(input, budget, numbered)
    this.#gathered = new Map([['', this.#default]])
    for (const name of this.#identity.outputs) this.#gathered.set(name, new Gathered(input, budget, numbered))
  }

  /** Whether something was forwarded that does not say which record it comes from: it was taken for the last one's. */
  get guessed(): boolean {
    return this.#guessed
  }

  /** A single-record processor takes record `index` of the input. */
  take(index: number): void {
    this.#current = index
  }

  /** Several records at once, each with a context of its own. `asDone`: the output is put in the order in which they are done, not in theirs. */
  takeSeveral(asDone: boolean): void {
    this.#several = true
    if (!asDone) return
    this.#done = 0
    this.#doneAt = new Int32Array((this.#input as NodeInput).batch.length)
    for (const gathered of this.#gathered?.values() ?? []) gathered.orderBy(this.#doneAt)
  }

  /** Record `index` of several is done. */
  done(index: number): void {
    if (this.#doneAt !== undefined) this.#doneAt[index] = this.#done++
  }

  /** To the output called `output`; '' is the default one. */
  forwardTo(output: string, record: AnyRecord): void {
    this.#scope.guard()
    const gathered = this.#output(output)
    if (gathered === undefined) throw this.#notRunning()
    if (this.#several) throw this.#whichRecord()
    const parent = this.#current >= 0 ? this.#current : this.#parentOf(record)
    gathered.add(record, parent, this.#sequence++)
  }

  /** The same of many. */
  forwardColumnsTo(output: string, columns: AnyColumns): void {
    this.#scope.guard()
    const gathered = this.#output(output)
    if (gathered === undefined) throw this.#notRunning()
    if (this.#several) throw this.#whichRecord()
    const { length } = (this.#input as NodeInput).batch
    if (this.#current < 0 && columns.sources === undefined && columns.keys.length !== length) this.#guessed = true
    this.#sequence += gathered.addColumns(this.#current >= 0 ? comingFrom(this.#current, columns) : columns, this.#sequence)
  }

  /** Rows of the input, as they are. */
  forwardRowsTo(output: string, kept: KeptRows<unknown>): void {
    this.#scope.guard()
    const gathered = this.#output(output)
    if (gathered === undefined) throw this.#notRunning()
    if (this.#several) throw this.#whichRecord()
    this.#sequence += gathered.addRows(kept, this.#sequence)
  }

  /** Forwards for record `place` of several; undefined: for one that is done. */
  forwardFrom(place: number | undefined, output: string, record: AnyRecord): void {
    this.#scope.guard()
    const gathered = this.#output(output)
    if (gathered === undefined || place === undefined) throw this.#notRunning()
    gathered.add(record, place, this.#sequence++)
  }

  /** The same of many. */
  forwardColumnsFrom(place: number | undefined, output: string, columns: AnyColumns): void {
    this.#scope.guard()
    const gathered = this.#output(output)
    if (gathered === undefined || place === undefined) throw this.#notRunning()
    this.#sequence += gathered.addColumns(comingFrom(place, columns), this.#sequence)
  }

  /** A port for each named output of the node. */
  portsOf(make: (output: string) => OutputPort<unknown, unknown>): Readonly<Record<string, never>> {
    return Object.freeze(Object.fromEntries(this.#identity.outputs.map((name) => [name, make(name)]))) as Readonly<Record<string, never>>
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
    return name === '' ? this.#default : this.#gathered?.get(name)
  }

  /** The input record that a record forwarded by a batch processor comes from: by its offset, else the last one. */
  #parentOf(record: AnyRecord): number {
    const batch = (this.#input as NodeInput).batch
    const length = batch.length
    const offset = record.offset
    if (offset === undefined || length === 0) {
      this.#guessed = true
      return length - 1
    }
    for (let step = 0, at = this.#cursor; step < length; step++, at = at + 1 === length ? 0 : at + 1) {
      if (batch.offset(at) === offset) {
        this.#cursor = at
        return at
      }
    }
    this.#guessed = true
    return length - 1
  }

  #notRunning(): TypeError {
    return new TypeError(
      `Node '${this.node}' forwarded a record while it was processing nothing: forward from process, processBatch or a punctuator, and await what you start there.`,
    )
  }

  #whichRecord(): TypeError {
    return new TypeError(
      `Node '${this.node}' processes several records at once: forward through the context that process is given with each of them.`,
    )
  }
}

/** Columns that a single record became: whatever they say, they come from it. */
function comingFrom(index: number, columns: AnyColumns): AnyColumns {
  return { ...columns, sources: new Array<number>(columns.keys.length).fill(index) }
}

import { ColumnBatch, type Headers, NO_HEADERS, type OutputColumns, type OutputRecord } from '@millrace/core'
import type { NodeInput } from './node-input.ts'
import type { OutputBudget } from './output-budget.ts'

/** What a node forwarded to one of its outputs during one pass, as columns, in the order of the records it came from. */
export class Gathered {
  readonly input: NodeInput
  /** The index, in the node's input, of the record that each comes from. */
  #parents: number[] = []
  /** Each record comes from the one in its place, with its timestamp: parents and timestamps are not kept. */
  #inPlace = false
  /** Order of the forwards over all outputs of the node; only kept where the node has several. */
  sequences: number[] | undefined
  #keys: unknown[] = []
  #values: unknown[] = []
  #timestamps: number[] = []
  #headers: Headers[] | undefined
  #ascending = true
  #lastParent = -1
  /** The place of each record of the input, where that is not the order of the output. */
  #places: ArrayLike<number> | undefined
  readonly #budget: OutputBudget

  constructor(input: NodeInput, budget: OutputBudget, numbered: boolean) {
    this.input = input
    this.#budget = budget
    this.sequences = numbered ? [] : undefined
  }

  get length(): number {
    return this.#keys.length
  }

  /** The index, in the node's input, of the record that output `i` comes from. */
  parentOf(i: number): number {
    return this.#inPlace ? i : (this.#parents[i] as number)
  }

  /** Puts the output in the order of `places`, one for each record of the input, as they are when the batch is made. */
  orderBy(places: ArrayLike<number>): void {
    this.#places = places
  }

  add(record: OutputRecord<unknown, unknown>, parent: number, sequence: number): void {
    if (this.#inPlace) this.#spellOut()
    const headers = record.headers
    if (headers !== undefined && headers.length > 0) this.#headersFrom(this.#keys.length).push(headers)
    else if (this.#headers !== undefined) this.#headers.push(NO_HEADERS)
    this.#keys.push(record.key)
    this.#values.push(record.value)
    this.#timestamps.push(record.timestamp)
    this.#note(parent, sequence)
    this.#budget.spend(record.key, record.value, headers)
  }

  /** Returns the number of sequence numbers used. */
  addColumns(columns: OutputColumns<unknown, unknown>, sequence: number): number {
    const { keys, values, timestamps, headers, sources } = columns
    const count = keys.length
    checkLengths(columns, count)
    if (this.#inPlace) this.#spellOut()
    const inputLength = this.input.batch.length
    const last = inputLength - 1
    const oneToOne = sources === undefined && count === inputLength
    if (oneToOne && this.#isFirst() && timestamps === undefined && headers === undefined) {
      this.#budget.spendAll(keys, values)
      this.#inPlace = true
      this.#keys = this.input.batch.hasKeys(keys) ? (keys as unknown[]) : keys.slice()
      this.#values = values.slice()
      return count
    }
    for (let i = 0; i < count; i++) {
      const parent = sources === undefined ? (oneToOne ? i : last) : (sources[i] as number)
      if (sources !== undefined && !(parent >= 0 && parent < inputLength && Number.isInteger(parent))) {
        throw new RangeError(
          `forwardBatch: sources[${i}] is ${parent}; it must be the index of a record of the input batch (0 to ${last}).`,
        )
      }
      const own = headers?.[i]
      if (own !== undefined && own.length > 0) this.#headersFrom(this.#keys.length).push(own)
      else if (this.#headers !== undefined) this.#headers.push(NO_HEADERS)
      const timestamp = timestamps === undefined ? undefined : timestamps[i]
      this.#keys.push(keys[i])
      this.#values.push(values[i])
      this.#timestamps.push(
        timestamp ?? (parent < 0 ? (this.input.punctuatedAt ?? this.input.streamTime) : this.input.batch.timestamp(parent)),
      )
      this.#note(parent, sequence + i)
      this.#budget.spend(keys[i], values[i], own)
    }
    return count
  }

  /** The gathered records as a batch for the nodes that follow; undefined if there are none. */
  toBatch(): ColumnBatch<unknown, unknown> | undefined {
    if (this.#keys.length === 0) return undefined
    if (this.#inPlace) return this.input.batch.withContents(this.#keys, this.#values)
    if (!this.#ascending || this.#places !== undefined) this.#sortByParent()
    const from = this.input.batch
    const count = this.#keys.length
    const offsets = new Array<number>(count)
    const streamTimes = new Array<number>(count)
    for (let i = 0; i < count; i++) {
      const parent = this.#parents[i] as number
      offsets[i] = parent < 0 ? -1 : from.offset(parent)
      streamTimes[i] = parent < 0 ? this.input.streamTime : from.streamTime(parent)
    }
    return new ColumnBatch({
      topic: from.topic,
      partition: from.partition,
      trigger: from.trigger,
      keys: this.#keys,
      values: this.#values,
      timestamps: this.#timestamps,
      headers: this.#headers,
      offsets,
      streamTimes,
    })
  }

  /** Nothing was forwarded yet, and the order among several outputs does not matter. */
  #isFirst(): boolean {
    return this.#keys.length === 0 && this.sequences === undefined
  }

  /** More is forwarded than a record for each: what was left out is written down. */
  #spellOut(): void {
    this.#inPlace = false
    // They may be the input's own.
    this.#keys = this.#keys.slice()
    for (let i = 0; i < this.#keys.length; i++) {
      this.#timestamps.push(this.input.batch.timestamp(i))
      this.#note(i, i)
    }
  }

  #headersFrom(length: number): Headers[] {
    this.#headers ??= new Array<Headers>(length).fill(NO_HEADERS)
    return this.#headers
  }

  #note(parent: number, sequence: number): void {
    if (parent < this.#lastParent) this.#ascending = false
    this.#lastParent = parent
    this.#parents.push(parent)
    if (this.sequences !== undefined) this.sequences.push(sequence)
  }

  #sortByParent(): void {
    const parents = this.#parents
    const places = this.#places === undefined ? parents : parents.map((parent) => (this.#places as ArrayLike<number>)[parent] as number)
    const order = parents.map((_, i) => i).sort((a, b) => (places[a] as number) - (places[b] as number) || a - b)
    this.#keys = order.map((i) => this.#keys[i])
    this.#values = order.map((i) => this.#values[i])
    this.#timestamps = order.map((i) => this.#timestamps[i] as number)
    if (this.#headers !== undefined) this.#headers = order.map((i) => (this.#headers as Headers[])[i] as Headers)
    if (this.sequences !== undefined) {
      // Forwards of different outputs compare by record first, so that the numbers only have to order those of one record.
      this.sequences = order.map((i) => (this.sequences as number[])[i] as number)
    }
    this.#parents = order.map((i) => parents[i] as number)
    this.#ascending = true
  }
}

function checkLengths(columns: OutputColumns<unknown, unknown>, count: number): void {
  for (const name of ['values', 'timestamps', 'headers', 'sources'] as const) {
    const column = columns[name]
    if (column !== undefined && column.length !== count) {
      throw new RangeError(`forwardBatch: there are ${count} keys but ${column.length} ${name}; columns must be of equal length.`)
    }
  }
}

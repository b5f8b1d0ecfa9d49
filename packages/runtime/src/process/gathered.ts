import { ColumnBatch, type Headers, type KeptRows, NO_HEADERS, type OutputColumns, type OutputRecord, type Selection } from '@millrace/core'
import type { NodeInput } from './node-input.ts'
import type { OutputBudget } from './output-budget.ts'

/** What a node forwarded to one of its outputs during one pass, as columns, in the order of the records it came from. */
export class Gathered {
  readonly input: NodeInput
  /** The index, in the node's input, of the record that each comes from. */
  #parents: number[] = []
  /** The whole output is this of the input: nothing else is kept. */
  #selection: Selection | undefined
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
    return this.#selection === undefined ? this.#keys.length : (this.#selection.rows?.length ?? this.input.batch.length)
  }

  /** The index, in the node's input, of the record that output `i` comes from. */
  parentOf(i: number): number {
    if (this.#selection === undefined) return this.#parents[i] as number
    return this.#selection.rows === undefined ? i : (this.#selection.rows[i] as number)
  }

  /** Puts the output in the order of `places`, one for each record of the input, as they are when the batch is made. */
  orderBy(places: ArrayLike<number>): void {
    this.#places = places
  }

  add(record: OutputRecord<unknown, unknown>, parent: number, sequence: number): void {
    this.#spellOut()
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
    const inputLength = this.input.batch.length
    const last = inputLength - 1
    const oneToOne = sources === undefined && count === inputLength
    if (oneToOne && this.#isFirst() && timestamps === undefined && headers === undefined) {
      this.#budget.spendAll(keys, values)
      this.#select({ keys: this.input.batch.hasKeys(keys) ? undefined : keys.slice(), values: values.slice(), headers: 'none' }, sequence)
      return count
    }
    this.#spellOut()
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

  /** Rows of the input, as they are. Returns the number of sequence numbers used. */
  addRows({ rows, values }: KeptRows<unknown>, sequence: number): number {
    if (this.#isFirst()) {
      this.#budget.spendRows(rows?.length ?? this.input.batch.length, values)
      this.#select({ rows, values }, sequence)
      return this.length
    }
    const { keys, values: own, hasHeaders, length } = this.input.batch
    const sources = rows ?? Int32Array.from({ length }, (_, row) => row)
    const pick = <T>(of: (row: number) => T): T[] => Array.from(sources, of)
    const headers = hasHeaders ? pick((row) => this.input.batch.headers(row)) : undefined
    return this.addColumns({ keys: pick((row) => keys[row]), values: values ?? pick((row) => own[row]), headers, sources }, sequence)
  }

  /** The gathered records as a batch for the nodes that follow; undefined if there are none. */
  toBatch(): ColumnBatch<unknown, unknown> | undefined {
    if (this.length === 0) return undefined
    if (this.#selection !== undefined && this.#places === undefined) return this.input.batch.select(this.#selection)
    this.#spellOut()
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

  /** Nothing was forwarded yet. */
  #isFirst(): boolean {
    return this.#selection === undefined && this.#keys.length === 0
  }

  #select(selection: Selection, sequence: number): void {
    this.#selection = selection
    for (let i = 0; this.sequences !== undefined && i < this.length; i++) this.sequences.push(sequence + i)
  }

  /** More is forwarded than can be said of the input: what was selected is written down. */
  #spellOut(): void {
    const selection = this.#selection
    if (selection === undefined) return
    const selected = this.input.batch.select(selection)
    this.#selection = undefined
    this.#keys = selected.keys.slice()
    this.#values = selected.values.slice()
    const sequences = this.sequences
    this.sequences = undefined
    for (let i = 0; i < selected.length; i++) {
      this.#timestamps.push(selected.timestamp(i))
      this.#note(selection.rows === undefined ? i : (selection.rows[i] as number), 0)
    }
    this.sequences = sequences
    if (selected.hasHeaders) this.#headers = this.#keys.map((_, i) => selected.headers(i))
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

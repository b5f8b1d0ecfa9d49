import {
  type Headers,
  NO_HEADERS,
  type OutputColumns,
  type OutputPort,
  type OutputPorts,
  type OutputRecord,
  type ProcessorContext,
  type RecordBatch,
  silentLogger,
  type StoreDefinition,
} from '@millrace/core'

/** One forwarded record: where it went and which input record it came from. */
export interface Forwarded {
  readonly output: string
  readonly source: number
  readonly key: unknown
  readonly value: unknown
  readonly timestamp: number
  readonly headers: Headers
}

/** Writes down what a processor forwards, with the defaults that `forwardBatch` promises, ordered by source as the engine does. */
export class RecordingContext implements ProcessorContext<unknown, unknown, Record<never, never>> {
  readonly applicationId = 'test'
  readonly taskId = '0_0'
  readonly partition = 0
  readonly node = 'node'
  readonly logger = silentLogger
  readonly signal = new AbortController().signal
  readonly streamTime = -1
  readonly to: OutputPorts<Record<never, never>>
  readonly #forwarded: Forwarded[] = []
  readonly #stores: ReadonlyMap<unknown, unknown>
  readonly #batch: RecordBatch<unknown, unknown>
  /** The record that is being processed alone. */
  single = -1

  constructor(batch: RecordBatch<unknown, unknown>, options: { outputs?: readonly string[]; stores?: ReadonlyMap<unknown, unknown> } = {}) {
    this.#batch = batch
    this.#stores = options.stores ?? new Map()
    const port = (name: string): OutputPort<unknown, unknown> => ({
      forward: (record) => this.#add(name, record),
      forwardBatch: (columns) => this.#addColumns(name, columns),
    })
    this.to = Object.fromEntries((options.outputs ?? []).map((name) => [name, port(name)]))
  }

  /** In the order of the input records. */
  get forwarded(): readonly Forwarded[] {
    return this.#forwarded.toSorted((a, b) => a.source - b.source)
  }

  forward(record: OutputRecord<unknown, unknown>): void {
    this.#add('', record)
  }

  forwardBatch(columns: OutputColumns<unknown, unknown>): void {
    this.#addColumns('', columns)
  }

  store<Store>(definition: StoreDefinition<Store>): Store {
    return this.#stores.get(definition) as Store
  }

  schedule(): () => void {
    throw new Error('No processor under test schedules anything.')
  }

  requestCommit(): void {
    throw new Error('No processor under test asks for a commit.')
  }

  #add(output: string, { key, value, timestamp, headers = NO_HEADERS }: OutputRecord<unknown, unknown>): void {
    this.#forwarded.push({ output, source: this.single, key, value, timestamp, headers })
  }

  #addColumns(output: string, { keys, values, timestamps, headers, sources }: OutputColumns<unknown, unknown>): void {
    for (const column of [values, timestamps, headers, sources]) {
      if (column !== undefined && column.length !== keys.length) throw new RangeError('Columns must be of equal length.')
    }
    for (let i = 0; i < keys.length; i++) {
      const source = sources?.[i] ?? (keys.length === this.#batch.length ? i : this.#batch.length - 1)
      const timestamp = timestamps?.[i] ?? this.#batch.timestamp(source)
      this.#forwarded.push({ output, source, key: keys[i], value: values[i], timestamp, headers: headers?.[i] ?? NO_HEADERS })
    }
  }
}

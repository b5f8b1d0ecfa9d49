import { type Headers, NO_HEADERS } from '../../batch/headers.ts'
import type { OutputColumns } from '../../batch/record-batch.ts'
import type { OutputRecord } from '../../batch/stream-record.ts'
import type { OutputPort } from '../processor-context.ts'

/** Gathers what an operator makes of a batch, as columns. */
export class OutputBuilder<K, V> {
  readonly #keys: K[] = []
  readonly #values: V[] = []
  readonly #timestamps: number[] = []
  readonly #sources: number[] = []
  /** Made with the first record that has any: most streams have none. */
  #headers: Headers[] | undefined

  /** One record, made of record `source` of the input. */
  add(record: OutputRecord<K, V>, source: number): void {
    const { headers } = record
    if (headers !== undefined && headers.length > 0) {
      this.#headers ??= new Array<Headers>(this.#keys.length).fill(NO_HEADERS)
      this.#headers.push(headers)
    } else if (this.#headers !== undefined) this.#headers.push(NO_HEADERS)
    this.#keys.push(record.key)
    this.#values.push(record.value)
    this.#timestamps.push(record.timestamp)
    this.#sources.push(source)
  }

  forwardTo(port: OutputPort<K, V>): void {
    if (this.#keys.length === 0) return
    const columns: OutputColumns<K, V> = {
      keys: this.#keys,
      values: this.#values,
      timestamps: this.#timestamps,
      headers: this.#headers,
      sources: this.#sources,
    }
    port.forwardBatch(columns)
  }
}

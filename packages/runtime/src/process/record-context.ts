import type { OutputColumns, OutputRecord } from '@millrace/core'
import { HandedContext } from './handed-context.ts'
import type { NodeContext } from './node-context.ts'

/**
 * The context of one record of several in flight: what it forwards and changes has this record's place and time, whatever else goes on. Over as soon
 * as the record is done.
 */
export class RecordContext extends HandedContext {
  readonly streamTime: number
  readonly #index: number
  readonly #timestamp: number
  #done = false

  constructor(context: NodeContext, index: number, times: { readonly timestamp: number; readonly streamTime: number }) {
    super(context)
    this.#index = index
    this.#timestamp = times.timestamp
    this.streamTime = times.streamTime
  }

  /** Its record is done: what still uses it was not awaited. */
  end(): void {
    this.#done = true
  }

  protected forwardTo(output: string, record: OutputRecord<unknown, unknown>): void {
    this.context.forwardFrom(this.#place, output, record)
  }

  protected forwardColumnsTo(output: string, columns: OutputColumns<unknown, unknown>): void {
    this.context.forwardColumnsFrom(this.#place, output, columns)
  }

  protected writeTimestamp(): number {
    if (!this.#done) return this.#timestamp
    throw new TypeError(
      `Node '${this.node}' changed a store for a record that was done: change it in process, and await what you start there.`,
    )
  }

  get #place(): number | undefined {
    return this.#done ? undefined : this.#index
  }
}

import type { KeptRows, OutputColumns, OutputPort, OutputRecord, RowPort } from '@millrace/core'
import { HandedContext } from './handed-context.ts'

/**
 * The context of one attempt at a batch, or at its records one after another. What was not awaited and goes on when the attempt is over forwards nothing
 * into the next one; if the attempt has failed, it changes nothing through the stores that it was given either.
 */
export class AttemptContext extends HandedContext implements RowPort {
  #over = false
  #failed = false

  get streamTime(): number {
    return this.context.streamTime
  }

  /** What still uses it was not awaited. */
  end(failed: boolean): void {
    this.#over = true
    this.#failed = failed
  }

  forwardRows(kept: KeptRows<unknown>): void {
    this.#forwardRowsTo('', kept)
  }

  protected override port(output: string): OutputPort<unknown, unknown> & RowPort {
    return { ...super.port(output), forwardRows: (kept) => this.#forwardRowsTo(output, kept) }
  }

  protected forwardTo(output: string, record: OutputRecord<unknown, unknown>): void {
    this.#check()
    this.context.forwardTo(output, record)
  }

  protected forwardColumnsTo(output: string, columns: OutputColumns<unknown, unknown>): void {
    this.#check()
    this.context.forwardColumnsTo(output, columns)
  }

  /** Who keeps a store beyond an attempt that went well may go on using it. */
  protected writeTimestamp(): number {
    if (!this.#failed) return this.context.writeTimestamp
    throw new TypeError(
      `Node '${this.node}' changed a store in an attempt that has failed: await what you start in process or processBatch, all of it also when a part fails ` +
        `(Promise.allSettled), and ask the context for the store each time.`,
    )
  }

  #forwardRowsTo(output: string, kept: KeptRows<unknown>): void {
    this.#check()
    this.context.forwardRowsTo(output, kept)
  }

  #check(): void {
    // A punctuator that was scheduled in an attempt goes on using its context.
    if (!this.#over || this.context.punctuating) return
    throw new TypeError(
      `Node '${this.node}' forwarded a record in an attempt that is over: await what you start in process or processBatch, all of it also when a part fails ` +
        `(Promise.allSettled).`,
    )
  }
}

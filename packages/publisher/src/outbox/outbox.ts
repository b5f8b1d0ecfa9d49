import { asError, type Logger, type StoreBackend, type StoreChange } from '@millrace/core'
import type { PendingEvent } from '../pending-event.ts'
import { PublishError } from '../publish-error.ts'
import type { OutboxOptions } from './outbox-options.ts'
import { bytesOfEvent, type FoundEvent, foundEvent, keyOf } from './stored-event.ts'

const PAGE = 1_000

/** To be written; `event`: that it is about, where that is there from then on. */
interface Change {
  readonly change: StoreChange
  readonly event?: PendingEvent
}

/** By where the event is. */
type Changes = Map<number, Change>

/**
 * Keeps events that are not acknowledged yet: each is written when it is published, and deleted when it was delivered, or refused for its own sake. Writes are
 * gathered, and never overtake each other: behind one that takes long there is one, in which events that have been kept and forgotten meanwhile are not, so that it has no
 * more than what is pending. After one that failed there are none any more: what is on disk has no gaps.
 */
export class Outbox {
  readonly #backend: StoreBackend
  readonly #logger: Logger
  readonly #folder: string
  #next: number
  /** Of the next write; undefined: there is to be none. */
  #gathered: Changes | undefined
  /** The last write there is to be. */
  #writing: Promise<void> = Promise.resolve()
  #failure: PublishError | undefined

  /** With what an earlier publisher has left, in the order in which it was published. Rejects with a `PublishError` of code `OUTBOX_UNAVAILABLE`. */
  static async open({ folder, open }: OutboxOptions, logger: Logger): Promise<{ readonly outbox: Outbox; readonly found: FoundEvent[] }> {
    let backend: StoreBackend | undefined
    try {
      backend = await open({ name: 'outbox', folder })
      const found: FoundEvent[] = []
      for await (const rows of backend.scan({}, PAGE)) for (const [key, value] of rows) found.push(foundEvent(key, value))
      return { outbox: new Outbox(backend, { folder, logger, next: (found.at(-1)?.stored ?? 0) + 1 }), found }
    } catch (error) {
      // Whoever tries again in this process is not to find it open.
      await backend?.close().catch(() => undefined)
      throw unavailable(folder, 'opened', error)
    }
  }

  private constructor(backend: StoreBackend, { folder, logger, next }: { folder: string; logger: Logger; next: number }) {
    this.#backend = backend
    this.#folder = folder
    this.#logger = logger
    this.#next = next
  }

  /** Keeps an event; returns where. */
  keep(event: PendingEvent): number {
    const stored = this.#next++
    this.#change(stored, { change: { key: keyOf(stored), value: bytesOfEvent(event) }, event })
    return stored
  }

  /** The event needs no keeping any more. */
  forget(stored: number): void {
    // What is not on disk yet need not get there.
    if (this.#gathered?.delete(stored) !== true) this.#change(stored, { change: { key: keyOf(stored), value: undefined } })
  }

  /** Resolves when everything up to now is on disk; rejects if it could not be written. */
  async written(): Promise<void> {
    await this.#writing
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Why it can't be written any more; undefined: it can. */
  get failure(): PublishError | undefined {
    return this.#failure
  }

  #change(stored: number, change: Change): void {
    if (this.#gathered === undefined) {
      const gathered: Changes = new Map()
      this.#gathered = gathered
      this.#writing = this.#writing.then(() => {
        this.#gathered = undefined
        return this.#write([...gathered.values()])
      })
    }
    this.#gathered.set(stored, change)
  }

  async #write(changes: readonly Change[]): Promise<void> {
    if (this.#failure !== undefined || changes.length === 0) return
    try {
      await this.#backend.write(changes.map(({ change }) => change))
    } catch (error) {
      this.#failure = unavailable(this.#folder, 'written', error)
      this.#logger.error({ err: error, folder: this.#folder }, 'the outbox could not be written: nothing more is published')
      return
    }
    for (const { event } of changes) if (event !== undefined) event.kept = true
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#backend.close()
  }
}

function unavailable(folder: string, what: 'opened' | 'written', cause: unknown): PublishError {
  const isLocked = (cause as { code?: unknown }).code === 'STORE_LOCKED'
  const why = isLocked ? 'another publisher has it open, in this process or another: give each a folder of its own' : asError(cause).message
  return new PublishError('OUTBOX_UNAVAILABLE', `The outbox in '${folder}' can't be ${what}: ${why}`, { outcome: 'not-sent', cause })
}

import {
  type Clock,
  type ErrorData,
  errorData,
  errorFrom,
  type FailureEvent,
  isObject,
  type Logger,
  type Observer,
  type RuntimeEvent,
} from '@millrace/core'
import type { LoggedErrors, LogLevel, PackedEvent, ThreadNews } from './messages.ts'

/** What happens is told together, this often at most: a message for each event would cost a thread more than the event. */
const TOLD_EVERY_MS = 20
/** And no more than this are kept. */
const MOST_EVENTS = 1_000

/** In a thread: hands on what the engine tells. */
export class EventRelay {
  readonly #tell: (news: ThreadNews) => void
  readonly #clock: Clock
  #events: PackedEvent[] = []
  #cancel: (() => void) | undefined
  #toldAt = -Infinity

  constructor(tell: (news: ThreadNews) => void, clock: Clock) {
    this.#tell = tell
    this.#clock = clock
  }

  readonly observe: Observer = (event) => {
    // Those are the application's, and told by who has all threads.
    if (event.type === 'state' || event.type === 'batching') return
    this.#events.push(packEvent(event))
    // Who has a task is told before another thread can tell the same of it.
    const isAssignment = event.type === 'assigned' || event.type === 'revoked' || event.type === 'lost'
    // No timer goes off while a processor keeps the thread busy.
    const isLate = event.type === 'pass-started' && this.#clock.monotonic() - this.#toldAt >= TOLD_EVERY_MS
    if (isAssignment || isLate || this.#events.length >= MOST_EVENTS) this.flush()
    else this.#cancel ??= this.#clock.after(TOLD_EVERY_MS, () => this.flush())
  }

  /** Tells what was kept. */
  flush(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#toldAt = this.#clock.monotonic()
    if (this.#events.length > 0) this.#tell({ type: 'events', events: this.#events.splice(0) })
  }
}

function packEvent(event: RuntimeEvent): PackedEvent {
  const { error, ...rest } = event as RuntimeEvent & { readonly error?: unknown }
  const told = rest as RuntimeEvent
  return { event: told.type === 'failure' ? withOwnBytes(told) : told, error: error === undefined ? undefined : errorData(error) }
}

/** The event, as the observer of this thread is told it. */
export function unpackEvent({ event, error }: PackedEvent): RuntimeEvent {
  return error === undefined ? event : ({ ...event, error: errorFrom(error) } as RuntimeEvent)
}

/** A view would take along all of what it lies in, such as a whole answer of a broker. */
function withOwnBytes(event: FailureEvent): FailureEvent {
  const { record } = event
  if (record === undefined) return event
  const headers = record.headers.map(({ key, value }) => ({ key, value: own(value) }))
  return { ...event, record: { ...record, key: own(record.key), value: own(record.value), headers } }
}

function own<T>(bytes: T): T | Uint8Array {
  return bytes instanceof Uint8Array ? new Uint8Array(bytes) : bytes
}

/** In a thread: a logger whose entries are the application's. */
export function relayedLogger(tell: (news: ThreadNews) => void): Logger {
  const at = (level: LogLevel) => (fields: object, message: string) => {
    const errors: Record<string, ErrorData> = {}
    const rest: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(isObject(fields) ? fields : {})) {
      if (value instanceof Error) errors[name] = errorData(value)
      else rest[name] = value
    }
    try {
      tell({ type: 'log', level, fields: rest, errors, message })
    } catch {
      // Something in it can't be copied.
      tell({ type: 'log', level, fields: asText(rest), errors, message })
    }
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function asText(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]))
}

/** Writes a thread's entry. */
export function logFrom(logger: Logger, thread: number, { level, fields, errors, message }: Extract<ThreadNews, { type: 'log' }>): void {
  logger[level]({ ...fields, ...restored(errors), thread }, message)
}

function restored(errors: LoggedErrors): Readonly<Record<string, Error>> {
  return Object.fromEntries(Object.entries(errors).map(([name, error]) => [name, errorFrom(error)]))
}

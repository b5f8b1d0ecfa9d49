import type { Logger } from '@millrace/core'
import type { RawClient } from './raw-api.ts'

/** How long a complaint is not repeated. */
const QUIET_MS = 30_000
/** Different complaints remembered at once. */
const MAX_REMEMBERED = 100

interface LogEvent {
  /** As syslog: 3 is an error, 4 a warning, 5 and 6 are notices, 7 is what `debug` asks for. */
  readonly severity: number
  readonly fac: string
  readonly message: string
}

/**
 * Passes on what a client says: a client that can't connect says so many times a second, so equal complaints are told once in a while, with how
 * many there were. Remembers the last one, which explains better than any error why a connection fails.
 */
export class ClientLog {
  readonly #logger: Logger
  readonly #clientId: string
  readonly #now: () => number
  readonly #told = new Map<string, { at: number; repeated: number }>()
  #lastComplaint: string | undefined

  constructor(logger: Logger, clientId: string, now: () => number = () => performance.now()) {
    this.#logger = logger
    this.#clientId = clientId
    this.#now = now
  }

  /** What the client last complained about, without the prefixes of its log. */
  get lastComplaint(): string | undefined {
    return this.#lastComplaint
  }

  listen(client: RawClient): void {
    client.on('event.log', (event: LogEvent) => this.onLog(event))
    client.on('event.error', (error: { readonly message: string }) => this.#complain('ERROR', error.message))
    client.on('event.throttle', () => this.#complain('THROTTLE', 'the broker throttles this client'))
    // Without a listener, an emitter throws: a failing token refresh would end the process.
    client.on('error', (error: { readonly message: string }) => this.#complain('ERROR', error.message))
  }

  onLog({ severity, fac, message }: LogEvent): void {
    const text = message.replace(/^\[thrd:[^\]]*\]: /, '')
    if (severity > 4) {
      this.#logger.debug({ clientId: this.#clientId, facility: fac }, `kafka client: ${text}`)
      return
    }
    this.#lastComplaint = plain(text)
    this.#complain(fac, text)
  }

  #complain(facility: string, text: string): void {
    const now = this.#now()
    // Durations and counters differ from one complaint to the next.
    const kind = `${facility} ${text.replaceAll(/\d+/g, '#')}`
    const told = this.#told.get(kind)
    if (told !== undefined && now - told.at < QUIET_MS) {
      told.repeated++
      return
    }
    if (this.#told.size >= MAX_REMEMBERED) this.#told.clear()
    this.#told.set(kind, { at: now, repeated: 0 })
    const repeated = told?.repeated ?? 0
    const fields = { clientId: this.#clientId, facility, ...(repeated > 0 && { repeated }) }
    this.#logger.warn(fields, `kafka client: ${text}`)
  }
}

/** `127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)`, for people. */
function plain(text: string): string {
  return text
    .replace(/ \(after \d+ms in state [A-Z_]+[^)]*\)/, '')
    .replace(/^[^ ]+: (?=\S)/, '')
    .replace(/ipv[46]#/, '')
}

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
  #connected = false

  constructor(logger: Logger, clientId: string, now: () => number = () => performance.now()) {
    this.#logger = logger
    this.#clientId = clientId
    this.#now = now
  }

  /** What the client last complained about, without the prefixes of its log. */
  get lastComplaint(): string | undefined {
    return this.#lastComplaint
  }

  /** From now on complaints are news; before, whoever connects is told the last one. */
  connected(): void {
    this.#connected = true
  }

  listen(client: RawClient): void {
    client.on('event.log', (event: LogEvent) => this.onLog(event))
    client.on('event.error', (error: { readonly message: string }) => this.onError(error))
    client.on('event.throttle', () => this.#complain('THROTTLE', 'the broker throttles this client'))
    // Without a listener, an emitter throws: a failing token refresh would end the process.
    client.on('error', (error: { readonly message: string }) => {
      this.#lastComplaint = error.message
      this.#complain('ERROR', error.message)
    })
  }

  onLog({ severity, fac, message }: LogEvent): void {
    const text = message.replace(/^\[thrd:[^\]]*\]: /, '')
    // Properties for all clients are given to all, also those that only some of them use.
    if (severity > 4 || /property and will be ignored by this/.test(text)) this.#logger.debug(this.#fields(fac), `kafka client: ${text}`)
    else {
      // That a connection was closed says less than what was said before: a broker that takes no TLS brings either, by chance.
      if (this.#lastComplaint === undefined || !/^\S+: Disconnected\b/.test(text)) this.#lastComplaint = plain(text)
      this.#complain(fac, text)
    }
  }

  /** What concerns one connection is in the log as well, with its cause. */
  onError({ message }: { readonly message: string }): void {
    if (/transport failure|resolution failure/i.test(message)) this.#logger.debug(this.#fields('ERROR'), `kafka client: ${message}`)
    else this.#complain('ERROR', message)
  }

  #complain(facility: string, text: string): void {
    if (!this.#connected) {
      this.#logger.debug(this.#fields(facility), `kafka client: ${text}`)
      return
    }
    const now = this.#now()
    // Numbers, and by which of its connections a client is refused, differ from one complaint to the next.
    const kind = `${facility} ${plain(text).replaceAll(/\d+/g, '#')}`
    const told = this.#told.get(kind)
    if (told !== undefined && now - told.at < QUIET_MS) {
      told.repeated++
      return
    }
    if (this.#told.size >= MAX_REMEMBERED) this.#told.clear()
    this.#told.set(kind, { at: now, repeated: 0 })
    const repeated = told?.repeated ?? 0
    this.#logger.warn({ ...this.#fields(facility), ...(repeated > 0 && { repeated }) }, `kafka client: ${text}`)
  }

  #fields(facility: string): object {
    return { clientId: this.#clientId, facility }
  }
}

/**
 * For people, who have been told the address:
 * `GroupCoordinator: 127.0.0.1:1: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT, 3 identical error(s) suppressed)`
 */
function plain(text: string): string {
  return text
    .replace(/ \(after \d+ms in state .*$/, '')
    .replace(/^(?:[^ ]+: )+(?=\S)/, '')
    .replace(/ipv[46]#/, '')
}

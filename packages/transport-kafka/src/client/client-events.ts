import type { Logger } from '@millrace/core'
import type { RawError } from './raw-client.ts'

/** The same complaint is logged at most this often. */
const QUIET_MS = 10_000

interface LogEvent {
  readonly severity: number
  readonly fac: string
  readonly message: string
}

interface Emitter {
  on(event: string, listener: (...parameters: never[]) => void): unknown
}

/** Sends what the client says of itself to the log; a broker that stays away is told every ten seconds, not every retry. */
export function logClientEvents(client: Emitter, clientId: string, logger: Logger): void {
  const told = new Map<string, number>()
  const mayTell = (what: string): boolean => {
    const now = Date.now()
    if (now - (told.get(what) ?? -Infinity) < QUIET_MS) return false
    told.set(what, now)
    return true
  }
  client.on('event.error', (error: RawError) => {
    if (mayTell(String(error.code))) logger.warn({ clientId, code: error.code }, `kafka client: ${error.message}`)
  })
  client.on('event.log', ({ severity, fac, message }: LogEvent) => {
    // Syslog levels: 3 is an error, 4 a warning; connection trouble comes as FAIL and is told by event.error too.
    if (severity <= 4 && mayTell(fac)) logger.debug({ clientId, facility: fac }, `kafka client: ${message}`)
  })
  client.on('event.throttle', () => {
    if (mayTell('throttle')) logger.warn({ clientId }, 'kafka client: the broker throttles this client')
  })
}

import { setTimeout as sleep } from 'node:timers/promises'
import { ClientError } from '../client/client-error.ts'
import { connectionError } from '../errors/connection-error.ts'
import type { ClientLog } from './client-log.ts'
import { promised } from './promised.ts'
import type { RawClient } from './raw-api.ts'
import { toClientError } from './to-client-error.ts'

/** What the library has for properties that contradict each other: the one of producers, the other of consumers. */
const CONTRADICTIONS: ReadonlySet<number> = new Set([-172, -1])

/** Before it is tried again. */
const RETRY_MS = 250
/**
 * A first request that is lost, on its way or in the client, is never answered: another client asks again when this part of the time that is left is
 * over. Brokers that are slow need some: at least so many milliseconds, or what is left.
 */
const ATTEMPT_PART = 0.4
const ATTEMPT_MS = 4_000

interface Connection {
  /** What is connected, for messages. */
  readonly part: string
  readonly brokers: string
  readonly connectTimeoutMs: number
}

/**
 * Makes a client and connects it, again while brokers come and go, or rejects when the time given is over with a sentence that names the address
 * and the cause. A `TypeError` for properties that the library does not know, or values that it does not take.
 */
export async function connected<T extends RawClient>(construct: () => T, log: ClientLog, connection: Connection): Promise<T> {
  const deadline = performance.now() + connection.connectTimeoutMs
  for (;;) {
    const client = make(connection.part, construct)
    try {
      await connect(client, log, attemptMs(deadline - performance.now()))
      return client
    } catch (error) {
      // A broker that goes away while it is asked ends the attempt at once.
      const passes = error instanceof ClientError && (error.kind === 'unreachable' || error.kind === 'timed-out')
      if (!passes || performance.now() + RETRY_MS >= deadline) throw notConnected(error, log, connection)
    }
    await sleep(RETRY_MS)
  }
}

function attemptMs(leftMs: number): number {
  return Math.max(1, Math.ceil(leftMs < 2 * ATTEMPT_MS ? leftMs : Math.max(ATTEMPT_MS, leftMs * ATTEMPT_PART)))
}

function make<T>(part: string, construct: () => T): T {
  try {
    return construct()
  } catch (error) {
    throw badProperties(part, error)
  }
}

async function connect(client: RawClient, log: ClientLog, timeoutMs: number): Promise<void> {
  log.listen(client)
  // Metadata of all topics, the library's default, is much on a big cluster; brokers alone prove the connection as well.
  await promised('connect', timeoutMs, (callback) => client.connect({ allTopics: false, timeout: timeoutMs }, callback))
  log.connected()
}

function notConnected(error: unknown, log: ClientLog, { part, brokers, connectTimeoutMs }: Connection): Error {
  // Properties that contradict each other are found here, before there is any connection.
  if (error instanceof ClientError && CONTRADICTIONS.has(error.code)) return badProperties(part, error)
  return connectionError({ brokers, seconds: connectTimeoutMs / 1000, complaint: log.lastComplaint, error: toClientError(error) })
}

function badProperties(part: string, error: unknown): TypeError {
  const reason = error instanceof Error ? error.message : String(error)
  return new TypeError(`The properties that kafka() was given make no ${part}: ${reason}.`, { cause: error })
}

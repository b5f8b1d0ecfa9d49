import { type Clock, type Logger, MillraceError, retryDelay } from '@millrace/core'
import type { ResolvedSink } from '../config/sink-options.ts'
import type { Blame, SinkDriver } from '../driver/driver.ts'

/** Who is to blame if it may be answered later. */
const SERVERS: ReadonlySet<Blame> = new Set(['server', 'size'])

/** What a question to a database is asked by. */
export interface Asking {
  readonly driver: Pick<SinkDriver, 'blame'>
  readonly retry: ResolvedSink['retry']
  readonly clock: Clock
  readonly logger: Logger
  readonly node: string
}

/** Asks again while the server is to blame, until the signal is aborted. */
export async function untilAnswered<T>(
  ask: () => Promise<T>,
  { driver, retry, clock, logger, node }: Asking,
  signal: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      if (signal.aborted) throw away(node, error)
      if (error instanceof MillraceError || !SERVERS.has(driver.blame(error))) throw error
      const delayMs = retryDelay(attempt, retry, Math.random())
      logger.warn({ err: error, node, attempt, delayMs }, 'the database of a sink does not answer and is asked again')
      await pause(delayMs, clock, signal)
      if (signal.aborted) throw away(node, error)
    }
  }
}

function away(node: string, cause: unknown): MillraceError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new MillraceError('SINK_AWAY', `The database of sink '${node}' does not answer: ${reason}`, {
    stage: 'sink',
    node,
    cause,
    retryable: true,
  })
}

function pause(delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(delayMs, end)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
  })
}

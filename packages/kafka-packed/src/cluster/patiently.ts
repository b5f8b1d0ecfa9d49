import type { Clock } from '@millrace/core'
import type { PackedError } from '../errors/packed-error.ts'
import { backoffMs } from './backoff.ts'
import type { Cluster } from './cluster.ts'

/** Tries again what passes by itself, with back-off, as long as a request may take. `passes`: default: what is retriable. Rejects with a `PackedError`. */
export async function patiently<T>(
  cluster: Cluster,
  clock: Clock,
  action: () => Promise<T>,
  passes: (error: PackedError) => boolean = ({ retriable }) => retriable,
): Promise<T> {
  const until = clock.monotonic() + cluster.options.requestTimeoutMs
  for (let failures = 1; ; failures++) {
    try {
      return await action()
    } catch (error) {
      if (!passes(error as PackedError) || clock.monotonic() >= until) throw error
    }
    await cluster.delay(backoffMs(failures))
  }
}

import { unlessAborted } from '@millrace/core'

/** What `work` resolves to. Rejects as soon as `signal` is aborted: what brokers are asked may take half a minute while they are away, and then nobody wants to know. */
export async function asLongAsWanted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const done = await unlessAborted(work, signal)
  signal.throwIfAborted()
  return done as T
}

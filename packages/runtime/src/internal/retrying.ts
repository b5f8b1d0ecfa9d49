import { MillraceError } from '@millrace/core'
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel'

const ATTEMPTS = 6
const policy = retry(
  handleWhen((error) => error instanceof MillraceError && error.retryable),
  { maxAttempts: ATTEMPTS, backoff: new ExponentialBackoff({ initialDelay: 100, maxDelay: 5_000 }) },
)

/**
 * Does work that nothing can go on without, again while its errors say that this may help: about ten seconds, and not once `signal` is aborted.
 * The error that remains is not retryable any more, so that nobody waits for it to pass.
 */
export async function retrying<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await policy.execute(work, signal)
  } catch (error) {
    if (!(error instanceof MillraceError && error.retryable)) throw error
    const { code, message, stage, topic, partition, offset } = error
    throw new MillraceError(code, message, { stage, topic, partition, offset, cause: error, retryable: false })
  }
}

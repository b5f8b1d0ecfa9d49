import { MillraceError, type RecordWriter, type WriteBatch, type WriteFailure } from '@millrace/core'

/** Records that were accepted could not be delivered. */
export function deliveryError(failures: readonly WriteFailure[]): MillraceError {
  const [first] = failures as [WriteFailure]
  const others = failures.length === 1 ? '' : ` (and ${failures.length - 1} more)`
  return new MillraceError(
    'DELIVERY_FAILED',
    `A record for topic '${first.topic}' could not be delivered${others}: ${first.error.message}`,
    {
      stage: 'sink',
      retryable: first.error.retryable,
      cause: first.error,
      topic: first.topic,
      partition: first.partition,
    },
  )
}

/**
 * Hands a batch to a writer. One whose transaction has failed for a record that it had accepted before says no more than that: then it is asked which
 * record that was.
 */
export async function writeNamed(writer: RecordWriter, batch: WriteBatch): Promise<void> {
  try {
    await writer.writeBatch(batch)
  } catch (error) {
    if (!(error instanceof MillraceError && error.code === 'TRANSACTION_ABORTABLE')) throw error
    const failures = await writer.flush().catch(() => [])
    throw failures.length === 0 ? error : deliveryError(failures)
  }
}

import type { PublishOutcome, PublishReceipt } from './events.ts'
import type { PublishError } from './publish-error.ts'

/** What became of each event. */
export async function outcomesOf(published: readonly Promise<PublishReceipt>[]): Promise<readonly PublishOutcome[]> {
  const settled = await Promise.allSettled(published)
  return settled.map((one) =>
    one.status === 'fulfilled' ? { ok: true, receipt: one.value } : { ok: false, error: one.reason as PublishError },
  )
}

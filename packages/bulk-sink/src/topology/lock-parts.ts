import type { Logger } from '@millrace/core'
import type { SinkTransaction } from '../driver/driver.ts'
import type { StoredPart } from './stored-parts.ts'

interface Told {
  readonly logger: Logger
  readonly node: string
}

/** What another has by now is left alone; what an earlier transaction stored, whose answer was lost, is stored. */
export async function lockParts(transaction: SinkTransaction, parts: readonly StoredPart[], { logger, node }: Told): Promise<void> {
  const mine = await transaction.lockOffsets(parts.map(({ part }) => part))
  for (const known of parts) {
    const { topic, partition } = known.part
    const found = mine.find((at) => at.topic === topic && at.partition === partition)
    if (found?.offset !== undefined) known.stored = Math.max(known.stored, found.offset)
    if (found !== undefined) continue
    known.claim = 'lost'
    logger.warn({ topic, partition, node }, 'another has claimed a partition: nothing of it is stored here')
  }
}

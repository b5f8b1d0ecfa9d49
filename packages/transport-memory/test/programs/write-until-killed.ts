import { once } from 'node:events'
import { silentLogger } from '@millrace/core'
import { memory } from '../../src/index.ts'
import { writeOf } from '../support/records.ts'

const context = { logger: silentLogger }
const partitions = [0, 1, 2]
const BATCH = 50

/**
 * Writes ascending numbers to three partitions of `plain` and, in transactions with their offsets, of `exact`, and says on standard output
 * up to where it has been promised that they are kept, until it is killed.
 */
export async function main([folder]: readonly string[]): Promise<void> {
  const transport = memory({ folder })
  const admin = await transport.openAdmin(context)
  await admin.createTopics(['plain', 'exact'].map((topic) => ({ topic, partitions: partitions.length })))
  const plain = await transport.openWriter({ clientId: 'plain' }, context)
  const exact = await transport.openWriter({ clientId: 'exact', transactionalId: 'exact' }, context)
  const source = await transport.openSource({ clientId: 'source', groupId: 'exact', isolation: 'read-committed' }, context)
  const [committed] = await source.committed([{ topic: 'plain', partition: 0 }])
  for (let from = committed?.offset ?? 0; ; from += BATCH) {
    const numbers = partitions.flatMap((partition) => Array.from({ length: BATCH }, (_, i) => ({ value: String(from + i), partition })))
    await plain.writeBatch(writeOf('plain', numbers))
    await plain.flush()
    await exact.begin()
    await exact.writeBatch(writeOf('exact', numbers))
    await exact.sendOffsets([{ topic: 'plain', partition: 0, offset: from + BATCH }], source)
    await exact.commit()
    if (!process.stdout.write(`${from + BATCH}\n`)) await once(process.stdout, 'drain')
  }
}

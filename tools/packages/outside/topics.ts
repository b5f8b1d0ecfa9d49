import { deserializeColumn, serializeColumn } from '@millrace/core'
import { serdes, silentLogger, type Transport } from 'millrace'

const context = { logger: silentLogger }
const PARTITIONS = 2

/** Creates the topics of the README's program, and writes lines into the first. */
export async function fill(
  transport: Transport,
  { from, to, lines }: { from: string; to: string; lines: readonly string[] },
): Promise<void> {
  await using admin = await transport.openAdmin(context)
  await admin.createTopics([from, to].map((topic) => ({ topic, partitions: PARTITIONS })))
  await using writer = await transport.openWriter({ clientId: 'fill' }, context)
  await writer.writeBatch({
    topic: from,
    length: lines.length,
    keys: serializeColumn(
      serdes.nullable(serdes.string),
      lines.map(() => null),
    ),
    values: serializeColumn(serdes.string, lines),
    timestamps: lines.map(() => Date.now()),
  })
  const [failure] = await writer.flush()
  if (failure !== undefined) throw failure.error
}

/** The last count of each word, once so many counts are in the topic: the program writes one for each word that it reads. */
export async function countsIn(transport: Transport, { topic, records }: { topic: string; records: number }): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  await using source = await transport.openSource({ clientId: 'counts', isolation: 'read-committed' }, context)
  await source.assign(Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition, offset: 0 })))
  for (let read = 0; read < records;) {
    const { batches } = await source.poll(500)
    for (const batch of batches) {
      const words = deserializeColumn(serdes.string, batch.keys).values
      const values = deserializeColumn(serdes.safeInt64, batch.values).values
      for (let i = 0; i < batch.length; i++) counts.set(words[i] as string, values[i] as number)
      read += batch.length
      batch.release()
    }
  }
  return counts
}

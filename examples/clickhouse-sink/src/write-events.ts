import { viewColumn } from '@millrace/core'
import { serdes, silentLogger, type Transport } from 'millrace'
import type { ShopEvent } from './event.ts'

const topic = 'shop-events'

/** Puts events into the topic, and creates that if it is not there. */
export async function writeEvents(transport: Transport, all: readonly ShopEvent[]): Promise<void> {
  const context = { logger: silentLogger }
  const admin = await transport.openAdmin(context)
  const writer = await transport.openWriter({ clientId: 'shop' }, context)
  try {
    if ((await admin.describeTopics([topic])).length === 0) await admin.createTopics([{ topic, partitions: 2 }])
    const value = serdes.json<ShopEvent>()
    await writer.writeBatch({
      topic,
      length: all.length,
      keys: viewColumn(all.map(({ who }) => serdes.string.serialize(who))),
      values: viewColumn(all.map((event) => value.serialize(event))),
      timestamps: all.map(({ at }) => at),
    })
    const [failure] = await writer.flush()
    if (failure !== undefined) throw failure.error
  } finally {
    await writer.close()
    await admin.close()
  }
}

import { randomBytes } from 'node:crypto'
import { viewColumn, silentLogger, type Transport } from '@millrace/core'

/** Records of one write. */
const CHUNK = 10_000

/** Writes many records of the same size, without keys, as fast as it goes: of random bytes, since what compresses well is small on its way. */
export async function fillTopic(transport: Transport, topic: string, size: { readonly records: number; readonly bytes: number }) {
  const writer = await transport.openWriter({ clientId: 'filler' }, { logger: silentLogger })
  try {
    const values = Array.from({ length: CHUNK }, () => randomBytes(size.bytes))
    for (let left = size.records; left > 0; left -= CHUNK) {
      const length = Math.min(CHUNK, left)
      await writer.writeBatch({
        topic,
        length,
        keys: viewColumn(Array.from({ length }, () => null)),
        values: viewColumn(values.slice(0, length)),
        timestamps: new Float64Array(length).fill(Date.now()),
      })
    }
    const [failure] = await writer.flush()
    if (failure !== undefined) throw failure.error
  } finally {
    await writer.close()
  }
}

import { type BytesColumn, serializeColumn, silentLogger, viewColumn } from '@millrace/core'
import { type MemoryTransport, memory } from 'millrace/memory'
import { describe, expect, test } from 'vitest'
import { readCounts } from '../../src/result/read-counts.ts'
import { countSerdes } from '../../src/topology/word-count-topology.ts'

const context = { logger: silentLogger }

async function logWith(rows: readonly (readonly [string, number])[], values?: BytesColumn): Promise<MemoryTransport> {
  const transport = memory()
  await using admin = await transport.openAdmin(context)
  await admin.createTopics([{ topic: 'out', partitions: 3 }])
  await using writer = await transport.openWriter({ clientId: 'test' }, context)
  await writer.writeBatch({
    topic: 'out',
    length: rows.length,
    keys: serializeColumn(
      countSerdes.key,
      rows.map(([word]) => word),
    ),
    values:
      values ??
      serializeColumn(
        countSerdes.value,
        rows.map(([, count]) => count),
      ),
    timestamps: rows.map((_, i) => i),
  })
  expect(await writer.flush()).toEqual([])
  return transport
}

async function read(transport: MemoryTransport) {
  await using admin = await transport.openAdmin(context)
  return await readCounts({ transport, context, admin, topic: 'out' })
}

describe('the counts in the output topic', () => {
  test('are the last of each word, over all partitions', async () => {
    const rows = Array.from({ length: 1_000 }, (_, i) => [`word${i % 10}`, Math.floor(i / 10) + 1] as const)
    const { counts, records } = await read(await logWith(rows))
    expect(records).toBe(1_000)
    expect(counts).toEqual(new Map(Array.from({ length: 10 }, (_, i) => [`word${i}`, 100])))
  })

  test('of an empty topic are none, also when its records have been deleted', async () => {
    const transport = await logWith([])
    expect(await read(transport)).toEqual({ counts: new Map(), records: 0 })
    const deleted = await logWith([['a', 1]])
    await using admin = await deleted.openAdmin(context)
    const partitions = [0, 1, 2].map((partition) => ({ topic: 'out', partition }))
    await admin.deleteRecords(await admin.endOffsets(partitions, 'read-committed'))
    expect(await read(deleted)).toEqual({ counts: new Map(), records: 0 })
  })

  test('are refused where a record is something else, which is named', async () => {
    const transport = await logWith([['a', 1]], viewColumn([Buffer.from('no number')]))
    await expect(read(transport)).rejects.toThrow(
      /^The output topic holds a record that is no count of a word \(out, partition \d, offset 0\)$/,
    )
  })
})

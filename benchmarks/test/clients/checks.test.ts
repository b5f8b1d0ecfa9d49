import { partitionForKey, serdes, serializeColumn, silentLogger } from '@millrace/core'
import { memory } from '@millrace/transport-memory'
import { describe, expect, test } from 'vitest'
import { checkWritten } from '../../src/clients/check-written.ts'
import { keyOf, VALUE_BYTES } from '../../src/clients/client-config.ts'
import { ReadCheck } from '../../src/clients/read-check.ts'

const RECORDS = 1_000
const PARTITIONS = 3

describe('what a client has read', () => {
  /** Everything in order, one partition after the other, as `change` has it. */
  const read = (change: (key: string, i: number) => string = (key) => key) => {
    const check = new ReadCheck(PARTITIONS)
    for (let i = 0; i < RECORDS; i++) check.key(change(keyOf(i), i))
    return check
  }

  test('is right when it is all of it, however it is cut', () => {
    const check = read()
    check.offsets(0, 0, 399)
    check.offsets(2, 0, 0)
    check.offsets(2, 1, 99)
    check.offsets(1, 0, 499)
    expect(() => check.finish(RECORDS)).not.toThrow()
  })

  test('is wrong when a record is left out, or there twice', () => {
    const check = read()
    check.offsets(0, 0, 9)
    expect(() => check.offsets(0, 11, 12)).toThrow('partition 0 goes on at 11 instead of 10')
    expect(() => check.offsets(0, 9, 12)).toThrow('partition 0 goes on at 9 instead of 10')
    expect(() => check.finish(RECORDS)).toThrow('10 records instead of 1000')
  })

  test('is wrong when a key is another', () => {
    const check = read((key, i) => (i === 700 ? `${key}0` : key))
    check.offsets(0, 0, RECORDS - 1)
    expect(() => check.finish(RECORDS)).toThrow('keys are others than those that were written')
  })
})

describe('what a client has written', () => {
  const indices = Array.from({ length: RECORDS }, (_, i) => i)

  const check = async (written: readonly number[], { valueBytes = VALUE_BYTES, further = 0 } = {}) => {
    const transport = memory()
    const context = { logger: silentLogger }
    await using admin = await transport.openAdmin(context)
    await admin.createTopics([{ topic: 'written', partitions: PARTITIONS }])
    await using writer = await transport.openWriter({ clientId: 'test' }, context)
    await writer.writeBatch({
      topic: 'written',
      length: written.length,
      keys: serializeColumn(serdes.string, written.map(keyOf)),
      values: serializeColumn(
        serdes.string,
        written.map(() => 'v'.repeat(valueBytes)),
      ),
      timestamps: written.map(() => 1),
      partitions: Int32Array.from(written, (i) => (partitionForKey(Buffer.from(keyOf(i)), PARTITIONS) + further) % PARTITIONS),
    })
    await writer.flush()
    await checkWritten({ transport, topic: 'written', partitions: PARTITIONS, isolation: 'read-uncommitted' }, RECORDS)
  }

  test('is right when every record is there once, in order', async () => {
    await expect(check(indices)).resolves.toBeUndefined()
  })

  test('is wrong when one is missing, there twice, out of order, or one too many', async () => {
    await expect(check(indices.toSpliced(500, 1))).rejects.toThrow("where record 500, '")
    await expect(check(indices.toSpliced(500, 0, 500))).rejects.toThrow(/where record \d+, '/)
    await expect(check(indices.toReversed())).rejects.toThrow(/where record \d+, '/)
    await expect(check([...indices, RECORDS])).rejects.toThrow('has more records than were written')
    await expect(check(indices.slice(0, -1))).rejects.toThrow('lacks record 999 and what follows it')
  })

  test('is wrong in another partition, or with another value', async () => {
    await expect(check(indices, { further: 1 })).rejects.toThrow(/where record \d+, '/)
    await expect(check(indices, { valueBytes: 99 })).rejects.toThrow(/record \d has 99 bytes/)
  })
})

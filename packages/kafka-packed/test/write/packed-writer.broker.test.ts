import { bytesAt, type Headers, viewColumn } from '@millrace/core'
import { describe, expect, inject, it } from 'vitest'
import { COMPRESSIONS, PackedReader, PackedWriter, type WriterOptions } from '../../src/index.ts'
import { Confluent } from '../support/confluent.ts'

const confluent = new Confluent(inject('kafkaBrokers'))
const PARTITIONS = 4

function open(options: Partial<WriterOptions> = {}): Promise<PackedWriter> {
  return PackedWriter.open({ brokers: confluent.addresses, ...options })
}

interface Row {
  readonly key: string | null
  readonly value: string | null
  readonly headers?: Headers
  readonly partition?: number
}

async function write(writer: PackedWriter, topic: string, rows: readonly Row[]): Promise<void> {
  const bytes = (text: string | null): Uint8Array | null => (text === null ? null : Buffer.from(text))
  await writer.write({
    topic,
    length: rows.length,
    keys: viewColumn(rows.map(({ key }) => bytes(key))),
    values: viewColumn(rows.map(({ value }) => bytes(value))),
    timestamps: rows.map((_, i) => 1_700_000_000_000 + i),
    headers: rows.map(({ headers }) => headers),
    ...(rows[0]?.partition !== undefined && { partitions: rows.map(({ partition }) => partition ?? -1) }),
  })
}

function numbered(count: number, keys: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({ key: `key-${i % keys}`, value: `${i}` }))
}

describe('PackedWriter', () => {
  it.each(COMPRESSIONS)(
    'writes what the confluent client reads, in order for each key, where it would write it (%s)',
    async (compression) => {
      const [topic, beside] = [await confluent.topic(PARTITIONS), await confluent.topic(PARTITIONS)]
      const rows: Row[] = numbered(2_000, 50).map((row, i) => ({
        ...row,
        ...(i % 7 === 0 && {
          headers: [
            { key: 'name', value: Buffer.from(`h${i}`) },
            { key: 'none', value: Buffer.alloc(0) },
          ],
        }),
        ...(i % 11 === 0 && { value: null }),
      }))
      await using writer = await open({ compression, batchBytes: 2_000, lingerMs: 1 })
      for (let at = 0; at < rows.length; at += 300) await write(writer, topic, rows.slice(at, at + 300))
      expect(await writer.flush()).toEqual([])
      expect(writer.bufferedBytes).toBe(0)
      const read = await confluent.read(topic, PARTITIONS, rows.length)
      expect(read).toHaveLength(rows.length)

      const others = numbered(50, 50).map(({ key, value }) => ({
        partition: -1,
        key: Buffer.from(key ?? ''),
        value: Buffer.from(value ?? ''),
        timestamp: 1,
      }))
      await confluent.write(beside, others)
      const places = new Map((await confluent.read(beside, PARTITIONS, 50)).map(({ key, partition }) => [key?.toString(), partition]))
      const byKey = (key: string | null): (string | null)[] => rows.filter((row) => row.key === key).map(({ value }) => value)
      for (const [key, partition] of places) {
        const ofKey = read.filter((one) => one.key?.toString() === key)
        expect(ofKey.map((one) => one.value?.toString() ?? null)).toEqual(byKey(key ?? null))
        expect(new Set(ofKey.map((one) => one.partition))).toEqual(new Set([partition]))
      }
      expect(read.filter(({ headers }) => (headers?.length ?? 0) > 0)).toHaveLength(
        rows.filter(({ headers }) => headers !== undefined).length,
      )
    },
  )

  it('spreads records without a key over all partitions, and puts others where they are told to go', async () => {
    const topic = await confluent.topic(PARTITIONS)
    await using writer = await open({ batchBytes: 500, lingerMs: 0 })
    await write(
      writer,
      topic,
      Array.from({ length: 2_000 }, (_, i) => ({ key: null, value: `${i}` })),
    )
    await write(writer, topic, [{ key: 'k', value: 'told', partition: 3 }])
    expect(await writer.flush()).toEqual([])
    const read = await confluent.read(topic, PARTITIONS, 2_001)
    const counts = Array.from({ length: PARTITIONS }, (_, partition) => read.filter((one) => one.partition === partition).length)
    for (const count of counts) expect(count).toBeGreaterThan(100)
    expect(read.find(({ value }) => value?.toString() === 'told')?.partition).toBe(3)
  })

  it('tells of each record for a partition that is not there, and writes the others', async () => {
    const topic = await confluent.topic(PARTITIONS)
    await using writer = await open()
    const partitions = [0, PARTITIONS, 0, -2, 0.5, 0]
    await write(
      writer,
      topic,
      partitions.map((partition, i) => ({ key: `${i}`, value: `${i}`, partition })),
    )
    const failures = await writer.flush()
    const failed = [1, 3, 4].map((i) => ({ partition: partitions[i], records: 1, record: { key: Buffer.from(`${i}`) } }))
    expect(failures.map((failure) => ({ ...failure, record: { key: Buffer.from(failure.record.key ?? []) } }))).toMatchObject(failed)
    expect(failures.map(({ error }) => error.kind)).toEqual(failed.map(() => 'unknown-topic'))
    expect(writer.statistics().failedRecords).toBe(3)
    const read = await confluent.read(topic, PARTITIONS, 3)
    expect(read.map(({ value }) => value?.toString())).toEqual(['0', '2', '5'])
  })

  it('halves batches that the topic does not take, and names the record that it takes in no way, while others go on', async () => {
    const topic = await confluent.topic(1, { 'max.message.bytes': '4000' })
    await using writer = await open()
    const rows = Array.from({ length: 200 }, (_, i) => ({ key: null, value: i === 77 ? 'x'.repeat(10_000) : `value ${i} `.repeat(20) }))
    await write(writer, topic, rows)
    expect(await writer.flush()).toMatchObject([{ topic, partition: 0, records: 1, error: { kind: 'record-too-large', retriable: false } }])
    const read = await confluent.read(topic, 1, 199)
    expect(read.map(({ value }) => value?.toString())).toEqual(rows.filter((_, i) => i !== 77).map(({ value }) => value))
    // Told once; and under another identity it goes on.
    await write(writer, topic, [{ key: null, value: 'after' }])
    expect(await writer.flush()).toEqual([])
    expect((await confluent.read(topic, 1, 200)).at(-1)?.value?.toString()).toBe('after')
  })

  it('says which record a broker refuses', async () => {
    const topic = await confluent.topic(1, { 'cleanup.policy': 'compact' })
    await using writer = await open()
    await write(writer, topic, [
      { key: 'a', value: '1' },
      { key: null, value: '2' },
    ])
    const [failure] = await writer.flush()
    expect(failure).toMatchObject({ topic, partition: 0, records: 2, error: { kind: 'record-refused' }, refused: [{ index: 1 }] })
  })

  it('waits instead of growing, and for topics that are created later', async () => {
    await using writer = await open({ maxBufferedBytes: 50_000 })
    const { name, create } = confluent.later(1)
    const written: Promise<void>[] = [write(writer, name, numbered(1_000, 10))]
    await create()
    let most = 0
    for (let i = 0; i < 50; i++) {
      written.push(write(writer, name, numbered(1_000, 10)))
      await written.at(-1)
      most = Math.max(most, writer.bufferedBytes)
    }
    await Promise.all(written)
    expect(await writer.flush()).toEqual([])
    expect(most).toBeLessThan(50_000 + 40_000)
    expect(await confluent.read(name, 1, 51_000)).toHaveLength(51_000)
  })

  it('is read by its own reader', async () => {
    const topic = await confluent.topic(1)
    await using writer = await open({ compression: 'zstd' })
    await using reader = await PackedReader.open({ brokers: confluent.addresses, checkCrcs: true })
    await write(writer, topic, numbered(10, 10))
    reader.assign([{ topic, partition: 0, offset: 0 }])
    const { batches } = await reader.poll(100, 20_000)
    expect(
      batches.flatMap(({ length, values }) => Array.from({ length }, (_, i) => Buffer.from(bytesAt(values, i) ?? []).toString())),
    ).toEqual(numbered(10, 10).map(({ value }) => value))
  })
})

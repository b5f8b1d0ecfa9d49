import { bytesAt, ManualClock, silentLogger, type RecordSource, type RecordSourceOptions, type WireBatch } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { memory, type MemoryOptions, type MemoryTransport } from '../../src/index.ts'
import { notingListener, settle } from '../support/hooks.ts'
import { recordsOf, writeOf } from '../support/records.ts'

const context = { logger: silentLogger }
const lines = (partition: number) => ({ topic: 'lines', partition })

describe('a poll', () => {
  it('hands out the log itself, not a copy of it', async () => {
    const transport = await logWith([[3], []])
    const batches: WireBatch[] = []
    for (let i = 0; i < 2; i++) {
      await using source = await open(transport, [{ ...lines(0), offset: i }])
      batches.push(...(await source.poll(0)).batches)
    }
    const [all, later] = batches.map(({ values }) => values)
    if (all?.form !== 'packed' || later?.form !== 'packed') throw new Error('the embedded log hands out packed columns')
    expect(later.bytes).toBe(all.bytes)
    expect(bytesAt(later, 0)).toEqual(bytesAt(all, 1))
  })

  it('hands out at most maxPollRecords, and lets no partition starve another', async () => {
    const transport = await logWith([[100], [100], [100]])
    await using source = await open(
      transport,
      [0, 1, 2].map((partition) => ({ ...lines(partition), offset: 0 })),
      { maxPollRecords: 10 },
    )
    const partitions: number[] = []
    for (let i = 0; i < 6; i++) {
      const records = recordsOf(await source.poll(0))
      expect(records).toHaveLength(10)
      partitions.push(records[0]?.partition ?? -1)
    }
    expect(partitions).toEqual([0, 1, 2, 0, 1, 2])
  })

  it('waits by the clock it was given, and wakes when records come', async () => {
    const clock = new ManualClock()
    const transport = await logWith([[]], { clock })
    await using source = await open(transport, [{ ...lines(0), offset: 0 }])
    expect((await source.poll(0)).ends).toEqual([{ ...lines(0), offset: 0 }])
    let empty = false
    const waiting = source.poll(1_000).then(({ batches }) => (empty = batches.length === 0))
    await clock.advance(999)
    await settle()
    expect(empty).toBe(false)
    await clock.advance(1)
    await waiting
    expect(empty).toBe(true)
    const woken = source.poll(1_000)
    await settle()
    await write(transport, 0, 2)
    expect(recordsOf(await woken)).toHaveLength(2)
  })

  it('lets timers and sockets have their turn, however much there is to read', async () => {
    const transport = await logWith([[1_000]])
    await using source = await open(transport, [{ ...lines(0), offset: 0 }], { maxPollRecords: 1 })
    let turns = 0
    const count = (): void => {
      turns++
      if (turns < 10) setImmediate(count)
    }
    setImmediate(count)
    for (let i = 0; i < 20; i++) await source.poll(0)
    expect(turns).toBe(10)
  })

  it('of which there are two at once is a mistake', async () => {
    const transport = await logWith([[]])
    await using source = await open(transport, [{ ...lines(0), offset: 0 }])
    await source.poll(0)
    const first = source.poll(10)
    await expect(source.poll(0)).rejects.toThrow(TypeError)
    await first
  })

  it('that fails has dropped nothing: other partitions go on where they were', async () => {
    const transport = await logWith([[5], [5]])
    await using source = await open(transport, [
      { ...lines(0), offset: 0 },
      { ...lines(1), offset: 99 },
    ])
    await expect(source.poll(0)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', topic: 'lines', partition: 1, offset: 99 })
    await source.seek([{ ...lines(1), offset: 5 }])
    expect(recordsOf(await source.poll(0))).toHaveLength(5)
  })

  it('fails when the topic has been deleted, also one created anew under its name', async () => {
    const transport = await logWith([[5]])
    await using admin = await transport.openAdmin(context)
    await using source = await open(transport, [{ ...lines(0), offset: 0 }])
    await source.poll(0)
    const waiting = source.poll(60_000).catch((error: unknown) => error)
    await settle()
    await admin.deleteTopics(['lines'])
    await admin.createTopics([{ topic: 'lines', partitions: 1 }])
    expect(await waiting).toMatchObject({ code: 'UNKNOWN_TOPIC' })
    await source.assign([{ ...lines(0), offset: 0 }])
    expect((await source.poll(0)).ends).toEqual([{ ...lines(0), offset: 0 }])
  })

  it('hands out copies that are overwritten on release, if asked to', async () => {
    const transport = await logWith([[1]], { scrubReleased: true })
    await using source = await open(transport, [{ ...lines(0), offset: 0 }])
    const [batch] = (await source.poll(0)).batches as [WireBatch]
    const value = bytesAt(batch.values, 0)
    expect(value).toEqual(new TextEncoder().encode('0'))
    batch.release()
    expect(value).toEqual(Uint8Array.of(0xdb))
    await source.seek([{ ...lines(0), offset: 0 }])
    expect(recordsOf(await source.poll(0))).toMatchObject([{ value: '0' }])
  })
})

describe('a source', () => {
  it('can be told to seek only where it reads, and says where it does not', async () => {
    const transport = await logWith([[5], [5]])
    await using source = await open(transport, [{ ...lines(0), offset: 0 }])
    const both = [0, 1].map((partition) => ({ ...lines(partition), offset: 3 }))
    await expect(source.seek(both)).rejects.toMatchObject({ code: 'NOT_ASSIGNED', partition: 1 })
    expect(recordsOf(await source.poll(0)).map(({ offset }) => offset)).toEqual([3, 4])
  })

  it('can not be assigned partitions that do not exist', async () => {
    const transport = await logWith([[]])
    await using source = await open(transport, [])
    await expect(source.assign([{ ...lines(7), offset: 0 }])).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC' })
  })

  it('without a group neither subscribes nor commits', async () => {
    const transport = await logWith([[]])
    await using source = await open(transport, [])
    await expect(source.subscribe(['lines'], notingListener('s', []))).rejects.toThrow(TypeError)
    await expect(source.commit([])).rejects.toThrow(TypeError)
    await expect(source.committed([lines(0)])).rejects.toThrow(TypeError)
  })

  it('either subscribes, once, or is assigned partitions', async () => {
    const transport = await logWith([[]])
    await using source = await transport.openSource({ clientId: 's', groupId: 'g', isolation: 'read-committed' }, context)
    await source.subscribe(['lines'], notingListener('s', []))
    await expect(source.subscribe(['lines'], notingListener('s', []))).rejects.toThrow(TypeError)
    await expect(source.assign([])).rejects.toThrow(TypeError)
  })

  it('that is assigned by hand commits only while its group has no members', async () => {
    const transport = await logWith([[5]])
    await using source = await transport.openSource({ clientId: 'hand', groupId: 'g', isolation: 'read-committed' }, context)
    await source.assign([{ ...lines(0), offset: 0 }])
    await source.commit([{ ...lines(0), offset: 1 }])
    await using member = await transport.openSource({ clientId: 'member', groupId: 'g', isolation: 'read-committed' }, context)
    await member.subscribe(['lines'], notingListener('m', []))
    await expect(source.commit([{ ...lines(0), offset: 2 }])).rejects.toMatchObject({ code: 'COMMIT_REFUSED' })
    expect(await source.committed([lines(0)])).toEqual([{ ...lines(0), offset: 1 }])
  })

  it('commits offsets that are offsets, with metadata that Kafka would take', async () => {
    const transport = await logWith([[5]])
    await using source = await transport.openSource({ clientId: 's', groupId: 'g', isolation: 'read-committed' }, context)
    for (const offset of [-1, 1.5, Number.NaN]) await expect(source.commit([{ ...lines(0), offset }])).rejects.toThrow(TypeError)
    const large = { ...lines(0), offset: 1, metadata: 'x'.repeat(4_097) }
    await expect(source.commit([large])).rejects.toMatchObject({ code: 'OFFSET_METADATA_TOO_LARGE' })
    expect(await source.committed([lines(0)])).toEqual([])
  })
})

/** A topic `lines`, each partition with writes of so many records. */
async function logWith(writes: readonly (readonly number[])[], options: MemoryOptions = {}): Promise<MemoryTransport> {
  const transport = memory(options)
  await using admin = await transport.openAdmin(context)
  await admin.createTopics([{ topic: 'lines', partitions: writes.length }])
  for (const [partition, counts] of writes.entries()) for (const count of counts) await write(transport, partition, count)
  return transport
}

async function write(transport: MemoryTransport, partition: number, count: number): Promise<void> {
  await using writer = await transport.openWriter({ clientId: 'w' }, context)
  const records = Array.from({ length: count }, (_, i) => ({ value: String(i), partition }))
  await writer.writeBatch(writeOf('lines', records))
}

async function open(
  transport: MemoryTransport,
  positions: Parameters<RecordSource['assign']>[0],
  options: Partial<RecordSourceOptions> = {},
): Promise<RecordSource> {
  const source = await transport.openSource({ clientId: 's', isolation: 'read-uncommitted', ...options }, context)
  await source.assign(positions)
  return source
}

import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { silentLogger, type Header, type Transport } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { memory } from '../../src/index.ts'
import { readRecords, recordsOf, writeOf, type ReadRecord } from '../support/records.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const context = { logger: silentLogger }
const lines = { topic: 'lines', partition: 0 }

describe('a log in a folder', () => {
  it('finds topics, records, headers and committed offsets again', async () => {
    using folder = temporaryFolder()
    const trace: Header = { key: 'trace', value: Uint8Array.of(1, 2) }
    const none: Header = { key: 'none', value: null }
    {
      const transport = memory({ folder: folder.path })
      await using admin = await transport.openAdmin(context)
      await admin.createTopics([
        { topic: 'lines', partitions: 3, config: { 'max.message.bytes': '100' } },
        { topic: 'gone', partitions: 1 },
      ])
      await admin.deleteTopics(['gone'])
      await using writer = await transport.openWriter({ clientId: 'w' }, context)
      await writer.writeBatch({
        ...writeOf('lines', [
          { key: 'a', value: 'one', timestamp: 5, partition: 0 },
          { key: null, value: null, timestamp: 6, partition: 0 },
          { key: '', value: '', timestamp: 7, partition: 2 },
        ]),
        headers: [[trace, none, trace], undefined, undefined],
      })
      await using source = await transport.openSource({ clientId: 's', groupId: 'g', isolation: 'read-uncommitted' }, context)
      await source.commit([{ ...lines, offset: 1, metadata: 'm' }])
    }
    const transport = memory({ folder: folder.path })
    await using admin = await transport.openAdmin(context)
    expect(await admin.describeTopics([/./])).toEqual([{ topic: 'lines', partitions: 3 }])
    expect(await admin.committedOffsets('g', [lines])).toEqual([{ ...lines, offset: 1, metadata: 'm' }])
    await using source = await transport.openSource({ clientId: 's', isolation: 'read-uncommitted' }, context)
    await source.assign([0, 2].map((partition) => ({ topic: 'lines', partition, offset: 0 })))
    const { batches } = await source.poll(0)
    expect(batches.map(({ timestamps }) => [...(timestamps as Float64Array)])).toEqual([[5, 6], [7]])
    expect(batches[0]?.headers).toEqual([[trace, none, trace], undefined])
    expect(recordsOf({ batches, ends: [] }).map(({ key, value }) => [key, value])).toEqual([
      ['a', 'one'],
      [null, null],
      ['', ''],
    ])
    await using writer = await transport.openWriter({ clientId: 'w' }, context)
    await writer.writeBatch(writeOf('lines', [{ value: 'x'.repeat(101), partition: 0 }]))
    expect(await writer.flush()).toMatchObject([{ error: { code: 'RECORD_TOO_LARGE' } }])
  })

  it('goes on writing where it stopped, over many openings and segments', async () => {
    using folder = temporaryFolder()
    const expected: string[] = []
    for (let opening = 0; opening < 5; opening++) {
      const values = Array.from({ length: 300 }, (_, i) => `${opening}-${i}-${'x'.repeat(i)}`)
      expected.push(...values)
      const records = await writeAndRead(memory({ folder: folder.path }), values)
      expect(records.map(({ value }) => value)).toEqual(expected)
      expect(records.map(({ offset }) => offset)).toEqual(expected.map((_, i) => i))
    }
  })

  it('lets go of the folder when its last part is closed, and not before', async () => {
    using folder = temporaryFolder()
    const first = memory({ folder: folder.path })
    const second = memory({ folder: folder.path })
    const admin = await first.openAdmin(context)
    const writer = await first.openWriter({ clientId: 'w' }, context)
    await admin.close()
    await expect(second.openAdmin(context)).rejects.toMatchObject({ code: 'FOLDER_LOCKED' })
    await writer.close()
    await using other = await second.openAdmin(context)
    await expect(first.openAdmin(context)).rejects.toMatchObject({ code: 'FOLDER_LOCKED' })
    expect(await other.describeTopics([/./])).toEqual([])
  })

  it('takes over from a process that has died', async () => {
    using folder = temporaryFolder()
    await writeAndRead(memory({ folder: folder.path }), ['kept'])
    const [lock] = readdirSync(folder.path).filter((name) => name.startsWith('lock-'))
    writeFileSync(join(folder.path, lock as string), JSON.stringify({ pid: 2 ** 22 + 1, identity: 'alive' }))
    const records = await writeAndRead(memory({ folder: folder.path }))
    expect(records.map(({ value }) => value)).toEqual(['kept'])
  })

  it('refuses a folder that holds something else', async () => {
    using folder = temporaryFolder()
    writeFileSync(join(folder.path, 'thesis.txt'), 'mine')
    await expect(memory({ folder: folder.path }).openAdmin(context)).rejects.toMatchObject({ code: 'FOLDER_NOT_EMPTY' })
    expect(readdirSync(folder.path)).toEqual(['thesis.txt'])
  })

  it('cuts off a torn end, wherever it is torn', { timeout: 30_000 }, async () => {
    using folder = temporaryFolder()
    const values = ['value-0', 'value-1', 'value-2']
    await writeAndRead(memory({ folder: folder.path }), ...values.map((value) => [value]))
    const file = join('topics', '1-lines', '0', '00000000000000000000.log')
    const whole = readFileSync(join(folder.path, file))
    const frameBytes = whole.length / values.length
    for (let size = whole.length; size >= 0; size -= 9) {
      using torn = temporaryFolder()
      cpSync(folder.path, torn.path, { recursive: true })
      truncateSync(join(torn.path, file), size)
      const kept = values.slice(0, Math.floor(size / frameBytes))
      const records = await writeAndRead(memory({ folder: torn.path }), ['next'])
      expect(records.map(({ value, offset }) => [value, offset])).toEqual([...kept, 'next'].map((value, offset) => [value, offset]))
      expect(await writeAndRead(memory({ folder: torn.path }))).toEqual(records)
    }
  })

  it('cuts off what a file system leaves of a write it had promised: zeros', async () => {
    using folder = temporaryFolder()
    await writeAndRead(memory({ folder: folder.path }), ['kept'])
    appendFileSync(join(folder.path, 'topics', '1-lines', '0', '00000000000000000000.log'), Buffer.alloc(100))
    appendFileSync(join(folder.path, 'journal.log'), Buffer.alloc(100))
    const records = await writeAndRead(memory({ folder: folder.path }), ['next'])
    expect(records.map(({ value }) => value)).toEqual(['kept', 'next'])
  })

  it('refuses to open when whole records lie behind damaged ones', async () => {
    using folder = temporaryFolder()
    for (const value of ['first', 'second']) await writeAndRead(memory({ folder: folder.path }), [value])
    const file = join(folder.path, 'topics', '1-lines', '0', '00000000000000000000.log')
    const bytes = readFileSync(file)
    bytes[20] = (bytes[20] as number) ^ 1
    writeFileSync(file, bytes)
    await expect(memory({ folder: folder.path }).openAdmin(context)).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    await expect(memory({ folder: folder.path }).openAdmin(context)).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
  })

  it('refuses a journal it does not know', async () => {
    using folder = temporaryFolder()
    writeFileSync(join(folder.path, 'journal.log'), 'a diary')
    await expect(memory({ folder: folder.path }).openAdmin(context)).rejects.toMatchObject({ code: 'FOLDER_FORMAT' })
  })

  it('gives back the files of deleted records, and remembers the offsets', async () => {
    using folder = temporaryFolder()
    const values = Array.from({ length: 400 }, (_, i) => `${i}-${'x'.repeat(500)}`)
    await writeAndRead(memory({ folder: folder.path }), values)
    const partition = join(folder.path, 'topics', '1-lines', '0')
    const before = readdirSync(partition)
    expect(before.length).toBeGreaterThan(1)
    {
      await using admin = await memory({ folder: folder.path }).openAdmin(context)
      await admin.deleteRecords([{ ...lines, offset: 400 }])
    }
    expect(readdirSync(partition).length).toBeLessThan(before.length)
    const transport = memory({ folder: folder.path })
    await using admin = await transport.openAdmin(context)
    expect(await admin.beginningOffsets([lines])).toEqual([{ ...lines, offset: 400 }])
    expect(await admin.endOffsets([lines], 'read-uncommitted')).toEqual([{ ...lines, offset: 400 }])
  })

  it('tells the failure of a write, shows nothing of it, and goes on when the disk does', async () => {
    using folder = temporaryFolder()
    const transport = memory({ folder: folder.path })
    await using admin = await transport.openAdmin(context)
    await admin.createTopics([{ topic: 'lines', partitions: 1 }])
    await using writer = await transport.openWriter({ clientId: 'w' }, context)
    const partition = join(folder.path, 'topics', '1-lines', '0')
    rmSync(partition, { recursive: true })
    const headers = [[{ key: 'h', value: null }]]
    await writer.writeBatch({ ...writeOf('lines', [{ value: 'lost' }]), headers })
    expect(await writer.flush()).toMatchObject([{ topic: 'lines', partition: 0, error: { code: 'LOG_WRITE_FAILED', retryable: true } }])
    expect(await admin.endOffsets([lines], 'read-uncommitted')).toEqual([{ ...lines, offset: 0 }])
    await admin.createTopics([{ topic: 'other', partitions: 1 }])
    mkdirSync(partition)
    await writer.writeBatch(writeOf('lines', [{ value: 'kept' }]))
    expect(await writer.flush()).toEqual([])
    await using source = await transport.openSource({ clientId: 's', isolation: 'read-uncommitted' }, context)
    await source.assign([{ ...lines, offset: 0 }])
    const { batches } = await source.poll(0)
    expect(batches.map(({ headers: own, length }) => [own, length])).toEqual([[undefined, 1]])
  })

  it('keeps every promise with durability disk as well', async () => {
    using folder = temporaryFolder()
    const transport = memory({ folder: folder.path, durability: 'disk' })
    const records = await writeAndRead(transport, ['a', 'b'])
    expect(records.map(({ value }) => value)).toEqual(['a', 'b'])
  })
})

describe('transactions in a folder', () => {
  it('that were open when the process ended are aborted, those committed stay', async () => {
    using folder = temporaryFolder()
    using copy = temporaryFolder()
    const transport = memory({ folder: folder.path })
    await using admin = await transport.openAdmin(context)
    await admin.createTopics([{ topic: 'lines', partitions: 2 }])
    await using writer = await transport.openWriter({ clientId: 'w', transactionalId: 't' }, context)
    await using source = await transport.openSource({ clientId: 's', groupId: 'g', isolation: 'read-uncommitted' }, context)
    for (const outcome of ['commit', 'abort', 'open'] as const) {
      await writer.begin()
      await writer.writeBatch(
        writeOf(
          'lines',
          [0, 1].map((partition) => ({ value: outcome, partition })),
        ),
      )
      await writer.sendOffsets([{ ...lines, offset: outcome === 'commit' ? 1 : 2 }], source)
      if (outcome !== 'open') await writer[outcome]()
    }
    cpSync(folder.path, copy.path, { recursive: true, filter: (path) => !path.includes('lock-') })
    const reopened = memory({ folder: copy.path })
    await using later = await reopened.openAdmin(context)
    expect(await later.committedOffsets('g', [lines])).toEqual([{ ...lines, offset: 1 }])
    await using reader = await reopened.openSource({ clientId: 's', isolation: 'read-committed' }, context)
    await reader.assign([0, 1].map((partition) => ({ topic: 'lines', partition, offset: 0 })))
    const { batches, ends } = await reader.poll(0)
    expect(recordsOf({ batches, ends }).map(({ value }) => value)).toEqual(['commit', 'commit'])
    expect(ends.map(({ offset }) => offset)).toEqual([6, 6])
  })

  it('that were decided are committed in every partition, also in one that was never told', async () => {
    using folder = temporaryFolder()
    using copy = temporaryFolder()
    const transport = memory({ folder: folder.path })
    await using admin = await transport.openAdmin(context)
    await admin.createTopics([{ topic: 'lines', partitions: 2 }])
    await using writer = await transport.openWriter({ clientId: 'w', transactionalId: 't' }, context)
    await writer.begin()
    await writer.writeBatch(
      writeOf(
        'lines',
        [0, 1].map((partition) => ({ value: 'v', partition })),
      ),
    )
    await writer.commit()
    cpSync(folder.path, copy.path, { recursive: true, filter: (path) => !path.includes('lock-') })
    const file = join(copy.path, 'topics', '1-lines', '1', '00000000000000000000.log')
    truncateSync(file, readFileSync(file).length - 10)
    for (let opening = 0; opening < 2; opening++) {
      const reopened = memory({ folder: copy.path })
      await using reader = await reopened.openSource({ clientId: 's', isolation: 'read-committed' }, context)
      await reader.assign([0, 1].map((partition) => ({ topic: 'lines', partition, offset: 0 })))
      expect(await readRecords(reader, 2)).toMatchObject([{ value: 'v' }, { value: 'v' }])
    }
  })
})

/** Writes to `lines`, which is created if need be, and reads all of it. */
async function writeAndRead(transport: Transport, ...writes: readonly (readonly string[])[]): Promise<ReadRecord[]> {
  await using admin = await transport.openAdmin(context)
  await admin.createTopics([{ topic: 'lines', partitions: 1 }])
  await using writer = await transport.openWriter({ clientId: 'w' }, context)
  for (const values of writes) {
    await writer.writeBatch(
      writeOf(
        'lines',
        values.map((value) => ({ value })),
      ),
    )
  }
  expect(await writer.flush()).toEqual([])
  await using source = await transport.openSource({ clientId: 's', isolation: 'read-uncommitted' }, context)
  await source.assign([{ ...lines, offset: 0 }])
  const [end] = await admin.endOffsets([lines], 'read-uncommitted')
  return await readRecords(source, end?.offset ?? 0)
}

import {
  ManualClock,
  MillraceError,
  silentLogger,
  viewColumn,
  type Logger,
  type RecordSource,
  type RecordWriter,
  type TransportAdmin,
  type WriteBatch,
} from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { memory, type MemoryFaults, type MemoryOperation, type MemoryOptions, type MemoryTransport } from '../../src/index.ts'
import { Gate, notingListener, settle } from '../support/hooks.ts'
import { recordsOf, writeOf } from '../support/records.ts'

const context = { logger: silentLogger }
const lines = { topic: 'lines', partition: 0 }

describe('a write', () => {
  it('to a topic that does not exist is refused, and creates none', async () => {
    const { admin, writer } = await open()
    await expect(writer.writeBatch(writeOf('unknown', [{ value: 'v' }]))).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC', topic: 'unknown' })
    expect(await admin.describeTopics([/./])).toMatchObject([{ topic: 'lines', partitions: 4 }])
  })

  it('to a partition that does not exist is refused as a whole', async () => {
    const { writer, values } = await open()
    const batch = writeOf('lines', [
      { value: 'good', partition: 0 },
      { value: 'bad', partition: 4 },
    ])
    await expect(writer.writeBatch(batch)).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC', partition: 4 })
    expect(await values()).toEqual([])
  })

  it('spreads records without key over the partitions, in turn from write to write', async () => {
    const { admin, writer } = await open()
    for (let i = 0; i < 8; i++) await writer.writeBatch(writeOf('lines', [{ value: 'v' }]))
    expect(await ends(admin)).toEqual([2, 2, 2, 2])
  })

  it('spreads a large batch of records without key by their size', async () => {
    const { admin, writer } = await open()
    const records = Array.from({ length: 640 }, () => ({ value: 'x'.repeat(1_000) }))
    await writer.writeBatch(writeOf('lines', records))
    const counts = await ends(admin)
    expect(counts.reduce((sum, count) => sum + count)).toBe(640)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(17)
  })

  it('takes records of any size', async () => {
    const { writer, transport } = await open()
    const value = new Uint8Array(20 * 1024 * 1024).fill(7)
    for (let i = 0; i < 2; i++) {
      await writer.writeBatch({ ...single('lines'), keys: viewColumn([null]), values: viewColumn([value]) })
    }
    await using source = await reader(transport)
    const { batches } = await source.poll(0)
    expect(batches.map(({ length, values }) => [length, values.form])).toEqual([
      [1, 'packed'],
      [1, 'packed'],
    ])
  })

  it('refuses to work outside of a transaction when the writer is transactional', async () => {
    const { transport } = await open()
    await using writer = await transport.openWriter({ clientId: 'w', transactionalId: 't' }, context)
    await expect(writer.writeBatch(single('lines'))).rejects.toThrow(TypeError)
    await expect(writer.commit()).rejects.toThrow(TypeError)
    await writer.begin()
    await expect(writer.begin()).rejects.toThrow(TypeError)
  })

  it('has no transactions without a transactionalId', async () => {
    const { writer } = await open()
    await expect(writer.begin()).rejects.toThrow('has no transactionalId')
  })
})

describe('a transaction', () => {
  it('that is open for longer than its time limit is aborted, and its writer is fenced', async () => {
    const clock = new ManualClock()
    const { transport, values } = await open({ clock })
    await using writer = await transport.openWriter({ clientId: 'w', transactionalId: 't', transactionTimeoutMs: 500 }, context)
    await writer.begin()
    await writer.writeBatch(single('lines'))
    await clock.advance(500)
    await expect(writer.commit()).rejects.toMatchObject({ code: 'PRODUCER_FENCED', retryable: false })
    await expect(writer.begin()).rejects.toMatchObject({ code: 'PRODUCER_FENCED' })
    expect(await values('read-committed')).toEqual([])
  })

  it('that is committed in time is not aborted later', async () => {
    const clock = new ManualClock()
    const { transport, values } = await open({ clock })
    await using writer = await transport.openWriter({ clientId: 'w', transactionalId: 't', transactionTimeoutMs: 500 }, context)
    await writer.begin()
    await writer.writeBatch(single('lines'))
    await writer.commit()
    await clock.advance(10_000)
    await writer.begin()
    await writer.commit()
    expect(await values('read-committed')).toEqual(['v'])
  })

  it('whose records could not be written can only be aborted', async () => {
    const faults = new Faults()
    const { transport, values } = await open({ faults })
    await using writer = await transport.openWriter({ clientId: 'w', transactionalId: 't' }, context)
    await writer.begin()
    faults.fail('deliver')
    await writer.writeBatch(single('lines'))
    await expect(writer.commit()).rejects.toMatchObject({ code: 'TRANSACTION_ABORTABLE' })
    expect(await writer.flush()).toHaveLength(1)
    await expect(writer.commit()).rejects.toMatchObject({ code: 'TRANSACTION_ABORTABLE' })
    await writer.abort()
    faults.reset()
    await writer.begin()
    await writer.writeBatch(single('lines'))
    await writer.commit()
    expect(await values('read-committed')).toEqual(['v'])
  })

  it('refuses the offsets of a member that does not own the partition, and can then only be aborted', async () => {
    const { transport } = await open()
    const { source } = await memberOf(transport)
    await using writer = await transport.openWriter({ clientId: 'w', transactionalId: 't' }, context)
    await writer.begin()
    transport.expelMember('g', 'member')
    await expect(writer.sendOffsets([{ ...lines, offset: 1 }], source)).rejects.toMatchObject({ code: 'COMMIT_REFUSED' })
    await expect(writer.commit()).rejects.toMatchObject({ code: 'TRANSACTION_ABORTABLE' })
    await writer.abort()
    await source.close()
  })

  it('takes no offsets of a source of another transport', async () => {
    const { transport } = await open()
    const other = await open()
    const { source } = await memberOf(other.transport)
    await using writer = await transport.openWriter({ clientId: 'w', transactionalId: 't' }, context)
    await writer.begin()
    await expect(writer.sendOffsets([{ ...lines, offset: 1 }], source)).rejects.toThrow(TypeError)
    await source.close()
  })

  it('keeps its place while a write waits: fenced meanwhile, the write is not delivered', async () => {
    const faults = new Faults()
    const { transport, values } = await open({ faults })
    await using earlier = await transport.openWriter({ clientId: 'earlier', transactionalId: 't' }, context)
    await earlier.begin()
    const gate = faults.hold('deliver')
    await earlier.writeBatch(single('lines'))
    await using later = await transport.openWriter({ clientId: 'later', transactionalId: 't' }, context)
    gate.open()
    await settle()
    await later.begin()
    await later.commit()
    expect(await values('read-uncommitted')).toEqual([])
  })

  it('whose commit was confirmed by nobody may have been committed all the same', async () => {
    const faults = new Faults()
    const { transport, values } = await open({ faults })
    await using writer = await transport.openWriter({ clientId: 'w', transactionalId: 't' }, context)
    await writer.begin()
    await writer.writeBatch(single('lines'))
    faults.loseAnswer('commit-transaction')
    await expect(writer.commit()).rejects.toThrow('injected')
    expect(await values('read-committed')).toEqual(['v'])
  })
})

describe('injected faults', () => {
  it('a delivery that fails is told by the next flush, once', async () => {
    const faults = new Faults()
    const { writer, values } = await open({ faults })
    faults.fail('deliver')
    await writer.writeBatch(single('lines'))
    expect(await writer.flush()).toMatchObject([{ topic: 'lines', partition: 0, error: { code: 'WRITE_FAILED' } }])
    expect(await writer.flush()).toEqual([])
    expect(await values()).toEqual([])
  })

  it('a flush waits for deliveries that wait, in order', async () => {
    const faults = new Faults()
    const { writer, values } = await open({ faults })
    const gate = faults.hold('deliver')
    const bytes = new TextEncoder().encode('first')
    await writer.writeBatch({ ...single('lines'), values: viewColumn([bytes]) })
    bytes.fill(0)
    await writer.writeBatch(writeOf('lines', [{ value: 'second', partition: 0 }]))
    let flushed = false
    const flushing = writer.flush().then(() => (flushed = true))
    await settle()
    expect([flushed, await values()]).toEqual([false, []])
    gate.open()
    await flushing
    expect(await values()).toEqual(['first', 'second'])
  })

  it('a writer that is behind makes writes wait instead of growing', async () => {
    const faults = new Faults()
    const { writer } = await open({ faults })
    const gate = faults.hold('deliver')
    const large: WriteBatch = { ...single('lines'), values: viewColumn([new Uint8Array(17 * 1024 * 1024)]) }
    await writer.writeBatch(large)
    let accepted = false
    const second = writer.writeBatch(single('lines')).then(() => (accepted = true))
    await settle()
    expect(accepted).toBe(false)
    gate.open()
    await second
  })

  it('a write, a flush, a commit or an opening fails before it has any effect', async () => {
    const faults = new Faults()
    const { writer, transport, admin, values } = await open({ faults })
    const { source } = await memberOf(transport)
    for (const type of ['write', 'flush', 'commit', 'committed', 'poll', 'seek', 'open-writer', 'create-topics'] as const) faults.fail(type)
    await expect(writer.writeBatch(single('lines'))).rejects.toThrow('injected')
    await expect(writer.flush()).rejects.toThrow('injected')
    await expect(source.commit([{ ...lines, offset: 1 }])).rejects.toThrow('injected')
    await expect(source.committed([lines])).rejects.toThrow('injected')
    await expect(source.poll(0)).rejects.toThrow('injected')
    await expect(source.seek([{ ...lines, offset: 0 }])).rejects.toThrow('injected')
    await expect(transport.openWriter({ clientId: 'x' }, context)).rejects.toThrow('injected')
    await expect(admin.createTopics([{ topic: 'x', partitions: 1 }])).rejects.toThrow('injected')
    faults.reset()
    expect(await admin.committedOffsets('g', [lines])).toEqual([])
    expect(await admin.describeTopics(['x'])).toEqual([])
    expect(await values()).toEqual([])
    await source.close()
  })

  it('a commit whose answer is lost has been made', async () => {
    const faults = new Faults()
    const { transport, admin } = await open({ faults })
    const { source } = await memberOf(transport)
    faults.loseAnswer('commit')
    await expect(source.commit([{ ...lines, offset: 1 }])).rejects.toThrow('injected')
    expect(await admin.committedOffsets('g', [lines])).toEqual([{ ...lines, offset: 1 }])
    await source.close()
  })

  it('a commit that waits until its member has lost the partition is refused', async () => {
    const faults = new Faults()
    const { transport, admin } = await open({ faults })
    const { source } = await memberOf(transport)
    const gate = faults.hold('commit')
    const committing = source.commit([{ ...lines, offset: 1 }])
    transport.expelMember('g', 'member')
    gate.open()
    await expect(committing).rejects.toMatchObject({ code: 'COMMIT_REFUSED' })
    expect(await admin.committedOffsets('g', [lines])).toEqual([])
    await source.close()
  })
})

describe('a writer that is closed', () => {
  it('says in the log what it could not deliver and nobody had asked about', async () => {
    const warnings: object[] = []
    const logger: Logger = { ...silentLogger, warn: (fields) => void warnings.push(fields) }
    const { transport } = await open()
    await using admin = await transport.openAdmin(context)
    await admin.createTopics([{ topic: 'small', partitions: 1, config: { 'max.message.bytes': '0' } }])
    const writer = await transport.openWriter({ clientId: 'w' }, { logger })
    await writer.writeBatch(single('small'))
    await writer.close()
    expect(warnings).toMatchObject([{ topic: 'small', partition: 0 }])
  })
})

/** Fails, holds or loses the answers of operations, by type. */
class Faults implements MemoryFaults {
  readonly #failing = new Set<string>()
  readonly #losing = new Set<string>()
  readonly #held = new Map<string, Gate>()

  fail(type: MemoryOperation['type']): void {
    this.#failing.add(type)
  }

  loseAnswer(type: MemoryOperation['type']): void {
    this.#losing.add(type)
  }

  hold(type: MemoryOperation['type']): Gate {
    const gate = new Gate()
    this.#held.set(type, gate)
    return gate
  }

  reset(): void {
    this.#failing.clear()
    this.#losing.clear()
  }

  readonly before = async ({ type }: MemoryOperation): Promise<void> => {
    await this.#held.get(type)?.passed
    if (this.#failing.has(type)) throw injected()
  }

  readonly after = ({ type }: MemoryOperation): void => {
    if (this.#losing.has(type)) throw injected()
  }
}

function injected(): MillraceError {
  return new MillraceError('WRITE_FAILED', 'injected', { stage: 'sink', retryable: true })
}

function single(topic: string): WriteBatch {
  return writeOf(topic, [{ value: 'v', partition: 0 }])
}

/** A log with the topic `lines` of four partitions. */
async function open(options: MemoryOptions = {}): Promise<{
  readonly transport: MemoryTransport
  readonly admin: TransportAdmin
  readonly writer: RecordWriter
  readonly values: (isolation?: 'read-committed' | 'read-uncommitted') => Promise<(string | null)[]>
}> {
  const transport = memory(options)
  const admin = await transport.openAdmin(context)
  await admin.createTopics([{ topic: 'lines', partitions: 4 }])
  const writer = await transport.openWriter({ clientId: 'w' }, context)
  const values = async (isolation: 'read-committed' | 'read-uncommitted' = 'read-uncommitted') => {
    await using source = await reader(transport, isolation)
    return recordsOf(await source.poll(0)).map(({ value }) => value)
  }
  return { transport, admin, writer, values }
}

async function reader(
  transport: MemoryTransport,
  isolation: 'read-committed' | 'read-uncommitted' = 'read-uncommitted',
): Promise<RecordSource> {
  const source = await transport.openSource({ clientId: 'reader', isolation }, context)
  await source.assign([0, 1, 2, 3].map((partition) => ({ topic: 'lines', partition, offset: 0 })))
  return source
}

/** A member of group `g` that owns all of `lines`. */
async function memberOf(transport: MemoryTransport): Promise<{ readonly source: RecordSource }> {
  const source = await transport.openSource({ clientId: 'member', groupId: 'g', isolation: 'read-committed' }, context)
  await source.subscribe(['lines'], notingListener('member', []))
  await settle()
  expect(source.assignment()).toHaveLength(4)
  return { source }
}

async function ends(admin: TransportAdmin): Promise<number[]> {
  const offsets = await admin.endOffsets(
    [0, 1, 2, 3].map((partition) => ({ topic: 'lines', partition })),
    'read-uncommitted',
  )
  return offsets.map(({ offset }) => offset)
}

import { ManualClock, silentLogger, type RecordSource, type TransportAdmin } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { memory, type MemoryOptions, type MemoryTransport } from '../../src/index.ts'
import { Gate, notingListener, settle, type Hooks } from '../support/hooks.ts'
import { recordsOf, writeOf } from '../support/records.ts'

const context = { logger: silentLogger }
const lines = (partition: number) => ({ topic: 'lines', partition })

describe('a rebalance', () => {
  it('gives a new member its share, moving nothing else, after the owner has let go', async () => {
    const { join, notes } = await group()
    const gate = new Gate()
    await join('a', { onRevoked: () => gate.passed })
    await settle()
    await join('b')
    await settle()
    expect(notes).toEqual(['a + lines 0, lines 1, lines 2, lines 3', 'a - lines 2, lines 3', 'b +'])
    gate.open()
    await settle()
    expect(new Set(notes.slice(3))).toEqual(new Set(['a +', 'b + lines 2, lines 3']))
  })

  it('tells a member of an assignment that brings nothing, so that it knows it is settled', async () => {
    const { join, notes, admin } = await group()
    for (const name of ['a', 'b', 'c', 'd']) await join(name)
    await settle()
    notes.length = 0
    await join('e')
    await settle()
    expect(notes).toEqual(['a +', 'b +', 'c +', 'd +', 'e +'])
    await admin.createTopics([{ topic: 'unrelated', partitions: 1 }])
    await settle()
    expect(notes).toHaveLength(5)
  })

  it('that comes while a hook is at work is served after it', async () => {
    const { join, notes } = await group()
    const gate = new Gate()
    await join('a', { onAssigned: () => gate.passed })
    await settle()
    await join('b')
    await settle()
    expect(notes).toEqual(['a + lines 0, lines 1, lines 2, lines 3', 'b +'])
    gate.open()
    await settle()
    expect(notes[2]).toBe('a - lines 2, lines 3')
    expect(new Set(notes.slice(3))).toEqual(new Set(['a +', 'b + lines 2, lines 3']))
  })

  it('lets a member that closes commit in onRevoked, and nothing afterwards', async () => {
    const { join, admin } = await group()
    const source: RecordSource = await join('a', {
      onRevoked: async (partitions) => source.commit(partitions.map((at) => ({ ...at, offset: 3 }))),
    })
    await settle()
    await source.close()
    expect(await admin.committedOffsets('g', [lines(0)])).toEqual([{ ...lines(0), offset: 3 }])
    await join('b')
    await settle()
    await expect(source.commit([{ ...lines(0), offset: 4 }])).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('refuses a member of another kind of assignment', async () => {
    const { join, transport } = await group()
    await join('a')
    await using other = await transport.openSource({ clientId: 'b', groupId: 'g', isolation: 'read-committed', coLocate: true }, context)
    await expect(other.subscribe(['lines'], notingListener('b', []))).rejects.toMatchObject({ code: 'INCONSISTENT_GROUP' })
  })
})

describe('a member that is put out of its group', () => {
  it('loses everything at once, is told, and joins again', async () => {
    const { join, notes, transport } = await group()
    const a = await join('a')
    await join('b')
    await settle()
    notes.length = 0
    transport.expelMember('g', 'a')
    expect(a.assignment()).toEqual([])
    await expect(a.commit([{ ...lines(0), offset: 1 }])).rejects.toMatchObject({ code: 'COMMIT_REFUSED' })
    await settle()
    expect(notes[0]).toBe('a lost lines 0, lines 2')
    expect(notes.some((note) => note.startsWith('b - lines'))).toBe(false)
    expect(a.assignment()).toHaveLength(2)
  })

  it('is that of a client id alone, where an administrator names one', async () => {
    const { join, notes, transport } = await group()
    await join('a')
    await join('b')
    await settle()
    await using admin = await transport.openAdmin(context)
    const lost = async (clientId?: string) => {
      notes.length = 0
      await admin.removeMembers?.('g', clientId)
      await settle()
      return notes.filter((note) => note.includes(' lost ')).map(([member]) => member)
    }
    expect(await lost('b')).toEqual(['b'])
    expect(await lost('nobody')).toEqual([])
    expect(new Set(await lost())).toEqual(new Set(['a', 'b']))
  })

  it('hands out nothing of what it has lost', async () => {
    const { join, transport, write } = await group()
    const gate = new Gate()
    const a = await join('a', { onLost: () => gate.passed })
    await settle()
    await write(4)
    transport.expelMember('g', 'a')
    expect(recordsOf(await a.poll(0))).toEqual([])
    gate.open()
    await settle()
    expect(recordsOf(await a.poll(0))).toHaveLength(4)
  })

  it('is told only when the hook that is at work has ended, and what that hook assigned is not read', async () => {
    const { join, notes, transport, write } = await group()
    const gate = new Gate()
    await write(4)
    const a = await join('a', { onAssigned: async (partitions) => (partitions.length > 0 ? gate.passed : undefined) })
    await settle()
    transport.expelMember('g', 'a')
    await join('b')
    await settle()
    expect(notes).toEqual(['a + lines 0, lines 1, lines 2, lines 3', 'b + lines 0, lines 1, lines 2, lines 3'])
    gate.open()
    await settle()
    expect(notes[2]).toBe('a lost lines 0, lines 1, lines 2, lines 3')
    expect(a.assignment()).toHaveLength(2)
  })

  it('is not told of what it was giving up anyway', async () => {
    const { join, notes, transport } = await group()
    const gate = new Gate()
    await join('a', { onRevoked: () => gate.passed })
    await settle()
    await join('b')
    await settle()
    transport.expelMember('g', 'a')
    gate.open()
    await settle()
    expect(notes).toContain('a lost lines 0, lines 1')
  })

  it('is one whose onRevoked takes longer than rebalanceTimeoutMs', async () => {
    const clock = new ManualClock()
    const { join, notes } = await group({ clock, rebalanceTimeoutMs: 1_000 })
    const gate = new Gate()
    const a = await join('a', { onRevoked: () => gate.passed })
    await settle()
    const b = await join('b')
    await settle()
    await clock.advance(999)
    await settle()
    expect(b.assignment()).toEqual([])
    await clock.advance(1)
    await settle()
    expect(a.assignment()).toEqual([])
    expect(b.assignment()).toHaveLength(4)
    gate.open()
    await settle()
    expect(notes).toContain('a lost lines 0, lines 1')
    expect(a.assignment()).toHaveLength(2)
  })
})

describe('topics that come and go', () => {
  it('a deleted topic is lost, and its name may be used again', async () => {
    const { join, notes, admin, write } = await group()
    const a = await join('a')
    await settle()
    await a.commit([{ ...lines(0), offset: 1 }])
    await admin.deleteTopics(['lines'])
    await settle()
    expect(notes.slice(1)).toEqual(['a lost lines 0, lines 1, lines 2, lines 3', 'a +'])
    expect(await admin.committedOffsets('g', [lines(0)])).toEqual([])
    await admin.createTopics([{ topic: 'lines', partitions: 1 }])
    await write(1)
    await settle()
    expect(notes.at(-1)).toBe('a + lines 0')
    expect(recordsOf(await a.poll(0))).toHaveLength(1)
  })

  it('a topic that is named and created later is read from then on', async () => {
    const transport = memory()
    await using admin = await transport.openAdmin(context)
    await using source = await transport.openSource({ clientId: 'a', groupId: 'g', isolation: 'read-committed' }, context)
    const notes: string[] = []
    await source.subscribe(['later'], notingListener('a', notes))
    await settle()
    await admin.createTopics([{ topic: 'later', partitions: 1 }])
    await settle()
    expect(notes).toEqual(['a +', 'a + later 0'])
  })

  it('a pattern matches by its own rules, but no internal topics', async () => {
    const transport = memory()
    await using admin = await transport.openAdmin(context)
    await admin.createTopics(['a-one', '__internal-one', 'b-two'].map((topic) => ({ topic, partitions: 1 })))
    await using source = await transport.openSource({ clientId: 'a', groupId: 'g', isolation: 'read-committed' }, context)
    const notes: string[] = []
    await source.subscribe([/one/g], notingListener('a', notes))
    await settle()
    expect(notes).toEqual(['a + a-one 0'])
    expect(await admin.describeTopics([/one/g, '__internal-one'])).toHaveLength(2)
  })
})

describe('a hook that fails', () => {
  it('in onRevoked gives the partitions up all the same', async () => {
    const { join } = await group()
    const failure = new Error('commit failed')
    const a = await join('a', { onRevoked: () => Promise.reject(failure) })
    await settle()
    const b = await join('b')
    await settle()
    await expect(a.poll(0)).rejects.toBe(failure)
    expect(b.assignment()).toHaveLength(2)
    await expect(a.close()).rejects.toBe(failure)
    await settle()
    expect(b.assignment()).toHaveLength(4)
  })

  it('is one that names no start position for a partition', async () => {
    const { transport } = await group()
    await using source = await transport.openSource({ clientId: 'a', groupId: 'g', isolation: 'read-committed' }, context)
    const listener = { ...notingListener('a', []), onAssigned: () => Promise.resolve([]) }
    await source.subscribe(['lines'], listener)
    await settle()
    await expect(source.poll(0)).rejects.toThrow('onAssigned gave no start position for lines-0')
  })
})

/** A group `g` on the topic `lines` of four partitions. */
async function group(options: MemoryOptions = {}): Promise<{
  readonly transport: MemoryTransport
  readonly admin: TransportAdmin
  readonly notes: string[]
  readonly join: (name: string, hooks?: Hooks) => Promise<RecordSource>
  readonly write: (count: number) => Promise<void>
}> {
  const transport = memory(options)
  const admin = await transport.openAdmin(context)
  await admin.createTopics([{ topic: 'lines', partitions: 4 }])
  const writer = await transport.openWriter({ clientId: 'w' }, context)
  const notes: string[] = []
  return {
    transport,
    admin,
    notes,
    async join(name, hooks) {
      const source = await transport.openSource({ clientId: name, groupId: 'g', isolation: 'read-committed' }, context)
      await source.subscribe(['lines'], notingListener(name, notes, hooks))
      return source
    },
    async write(count) {
      await writer.writeBatch(
        writeOf(
          'lines',
          Array.from({ length: count }, (_, i) => ({ value: String(i) })),
        ),
      )
    },
  }
}

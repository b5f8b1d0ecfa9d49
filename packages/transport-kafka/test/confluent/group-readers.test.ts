import { describe, expect, test } from 'vitest'
import { GroupReaders } from '../../src/confluent/group-readers.ts'
import type { Callback, RawConsumer, RawError, RawTopicPartition } from '../../src/confluent/raw-api.ts'

const partitions = [{ topic: 't', partition: 0 }]
const failure: RawError = { message: 'no', code: -195 }

/** Consumers of groups, each of which has offset 7 committed. */
class Groups {
  readonly calls: string[] = []
  readonly broken = new Set<string>()
  unreachable = ''
  /** Resolved to let a disconnect go on. */
  held: Promise<void> = Promise.resolve()

  readonly open = async (groupId: string): Promise<RawConsumer> => {
    this.calls.push(`open ${groupId}`)
    if (groupId === this.unreachable) throw new Error(`no broker for ${groupId}`)
    return {
      committed: (asked: readonly RawTopicPartition[], _: number, callback: Callback<readonly RawTopicPartition[]>) =>
        callback(
          null,
          asked.map((at) => ({ ...at, offset: 7 })),
        ),
      disconnect: async (callback: Callback) => {
        this.calls.push(`disconnect ${groupId}`)
        await this.held
        callback(this.broken.has(groupId) ? failure : null, undefined)
      },
    } as unknown as RawConsumer
  }
}

async function askFour(readers: GroupReaders): Promise<void> {
  for (const groupId of ['a', 'b', 'c', 'd']) await readers.committed(groupId, partitions)
}

describe('committed offsets of groups', () => {
  test('are asked of few readers, the least used of which makes room for another', async () => {
    const groups = new Groups()
    const readers = new GroupReaders(groups.open, 100)
    await askFour(readers)
    await readers.committed('a', partitions)
    expect(await readers.committed('e', partitions)).toEqual([{ topic: 't', partition: 0, offset: 7 }])
    expect(groups.calls.slice(4)).toEqual(['disconnect b', 'open e'])
    await readers.close()
    expect(groups.calls.slice(6).toSorted()).toEqual(['disconnect a', 'disconnect c', 'disconnect d', 'disconnect e'])
  })

  test('are told though the reader of another group does not disconnect', async () => {
    const groups = new Groups()
    const readers = new GroupReaders(groups.open, 100)
    await askFour(readers)
    groups.broken.add('a')
    expect(await readers.committed('e', partitions)).toHaveLength(1)
  })

  test('are refused to who asks where no reader can be opened, and to nobody else', async () => {
    const groups = new Groups()
    const readers = new GroupReaders(groups.open, 100)
    await askFour(readers)
    let release = () => {}
    groups.held = new Promise((resolve) => (release = resolve))
    groups.unreachable = 'e'
    // While the oldest disconnects, nothing that fails is left without somebody who hears of it: that would end the process.
    const refused = readers.committed('e', partitions).catch((error: unknown) => error)
    const fine = readers.committed('d', partitions)
    await new Promise((resolve) => setImmediate(resolve))
    release()
    expect(await refused).toMatchObject({ message: 'no broker for e' })
    expect(await fine).toHaveLength(1)
  })
})

describe('closing', () => {
  test('disconnects all readers, though one fails, and says so', async () => {
    const groups = new Groups()
    const readers = new GroupReaders(groups.open, 100)
    await askFour(readers)
    groups.broken.add('a')
    await expect(readers.close()).rejects.toMatchObject({ kind: 'unreachable' })
    expect(groups.calls.filter((call) => call.startsWith('disconnect'))).toHaveLength(4)
    await expect(readers.committed('a', partitions)).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

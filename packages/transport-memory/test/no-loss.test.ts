import assert from 'node:assert/strict'
import { MillraceError, partitionKey, silentLogger, type RebalanceListener, type RecordSource, type TopicPartition } from '@millrace/core'
import fc from 'fast-check'
import { it } from 'vitest'
import { memory, type MemoryTransport } from '../src/index.ts'
import { settle } from './support/hooks.ts'
import { recordsOf, writeOf } from './support/records.ts'

const context = { logger: silentLogger }
const PARTITIONS = 3
const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: 'lines', partition }))

const which = fc.nat(7)
const step = fc.oneof(
  fc.record({ do: fc.constant('write' as const), partition: fc.nat(PARTITIONS - 1), count: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ do: fc.constant('join' as const), hookTurns: fc.nat(3) }),
  fc.record({ do: fc.constantFrom('poll' as const, 'poll' as const, 'commit' as const, 'rewind' as const, 'close' as const), which }),
  fc.record({ do: fc.constantFrom('expel' as const, 'pause' as const, 'resume' as const), which }),
  fc.record({ do: fc.constant('settle' as const), turns: fc.integer({ min: 1, max: 10 }) }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

it(
  'nothing is lost, order is kept, and no partition has two owners, whoever writes, joins, leaves, commits and seeks',
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), fc.boolean(), async (steps, coLocate) => {
        const world = await World.open(coLocate)
        for (const next of steps) {
          await world.take(next)
          world.check()
        }
        await world.finish()
      }),
      { numRuns: 200 },
    )
  },
)

/** A member that reads from the group's committed offsets, and commits what it has read when it gives a partition up. */
class Member implements RebalanceListener {
  readonly name: string
  readonly source: RecordSource
  /** The next offset of each partition held. */
  readonly next = new Map<string, number>()
  /** Put out of the group, and perhaps not told yet. */
  expelled = false
  readonly #hookTurns: number
  readonly #read: (partition: number, offset: number) => void

  constructor(
    source: RecordSource,
    options: { readonly name: string; readonly hookTurns: number; readonly read: (partition: number, offset: number) => void },
  ) {
    this.source = source
    this.name = options.name
    this.#hookTurns = options.hookTurns
    this.#read = options.read
  }

  readonly onAssigned = async (assigned: readonly TopicPartition[]) => {
    this.expelled = false
    await settle(this.#hookTurns)
    const committed = new Map((await this.source.committed(assigned)).map((at) => [at.partition, at.offset]))
    const positions = assigned.map((at) => ({ ...at, offset: committed.get(at.partition) ?? 0 }))
    for (const { topic, partition, offset } of positions) this.next.set(partitionKey(topic, partition), offset)
    return positions
  }

  readonly onRevoked = async (revoked: readonly TopicPartition[]) => {
    await settle(this.#hookTurns)
    await this.commit(revoked)
    for (const { topic, partition } of revoked) this.next.delete(partitionKey(topic, partition))
  }

  readonly onLost = async (lost: readonly TopicPartition[]) => {
    await settle(this.#hookTurns)
    for (const { topic, partition } of lost) this.next.delete(partitionKey(topic, partition))
  }

  /** Commits what has been read; refused only to one that has been put out. */
  async commit(of: readonly TopicPartition[]): Promise<void> {
    const offsets = of.flatMap((at) => {
      const offset = this.next.get(partitionKey(at.topic, at.partition))
      return offset === undefined ? [] : [{ ...at, offset }]
    })
    try {
      await this.source.commit(offsets)
    } catch (error) {
      assert.equal(codeOf(error), 'COMMIT_REFUSED')
      assert.ok(this.expelled)
    }
  }

  async poll(): Promise<void> {
    const polled = await this.source.poll(0)
    for (const { topic, partition, offset, value } of recordsOf(polled)) {
      const key = partitionKey(topic, partition)
      assert.equal(offset, this.next.get(key), `${this.name} reads ${key} in order, and only while it holds it`)
      assert.equal(value, `${partition}:${offset}`)
      this.next.set(key, offset + 1)
      this.#read(partition, offset)
    }
    for (const { topic, partition, offset } of polled.ends) assert.equal(offset, this.next.get(partitionKey(topic, partition)))
  }

  async rewind(): Promise<void> {
    const held = this.source.assignment().filter((at) => this.next.has(partitionKey(at.topic, at.partition)))
    const committed = new Map((await this.source.committed(held)).map((at) => [at.partition, at.offset]))
    const positions = held.map((at) => ({ ...at, offset: committed.get(at.partition) ?? 0 }))
    const refused = await this.source.seek(positions).catch((error: unknown) => error)
    if (refused !== undefined) assert.equal(codeOf(refused), 'NOT_ASSIGNED')
    for (const { topic, partition, offset } of positions) {
      const key = partitionKey(topic, partition)
      if (this.next.has(key)) this.next.set(key, offset)
    }
  }
}

class World {
  readonly #transport: MemoryTransport
  readonly #coLocate: boolean
  readonly #members: Member[] = []
  readonly #written: number[] = partitions.map(() => 0)
  readonly #read = partitions.map(() => new Set<number>())
  #joined = 0

  private constructor(transport: MemoryTransport, coLocate: boolean) {
    this.#transport = transport
    this.#coLocate = coLocate
  }

  static async open(coLocate: boolean): Promise<World> {
    const transport = memory({ scrubReleased: true })
    await using admin = await transport.openAdmin(context)
    await admin.createTopics([{ topic: 'lines', partitions: PARTITIONS }])
    return new World(transport, coLocate)
  }

  async take(next: Step): Promise<void> {
    if (next.do === 'write') return this.#write(next.partition, next.count)
    if (next.do === 'join') return this.#join(next.hookTurns)
    if (next.do === 'settle') return settle(next.turns)
    const member = this.#members[next.which % Math.max(1, this.#members.length)]
    if (member === undefined) return
    if (next.do === 'poll') return member.poll()
    if (next.do === 'commit') return member.commit(partitions)
    if (next.do === 'rewind') return member.rewind()
    if (next.do === 'pause') return member.source.pause(partitions)
    if (next.do === 'resume') return member.source.resume(partitions)
    if (next.do === 'close') return this.#close(member)
    member.expelled = true
    this.#transport.expelMember('g', member.name)
  }

  async #write(partition: number, count: number): Promise<void> {
    const from = this.#written[partition] ?? 0
    await using writer = await this.#transport.openWriter({ clientId: 'w' }, context)
    const records = Array.from({ length: count }, (_, i) => ({ value: `${partition}:${from + i}`, partition }))
    await writer.writeBatch(writeOf('lines', records))
    this.#written[partition] = from + count
  }

  async #join(hookTurns = 0): Promise<void> {
    if (this.#members.length >= 4) return
    const name = `member-${this.#joined++}`
    const options = { clientId: name, groupId: 'g', isolation: 'read-committed', coLocate: this.#coLocate, maxPollRecords: 7 } as const
    const source = await this.#transport.openSource(options, context)
    const read = (partition: number, offset: number) => this.#read[partition]?.add(offset)
    const member = new Member(source, { name, hookTurns, read })
    this.#members.push(member)
    await source.subscribe(['lines'], member)
  }

  async #close(member: Member): Promise<void> {
    this.#members.splice(this.#members.indexOf(member), 1)
    await member.source.close()
    assert.equal(member.next.size, 0)
  }

  /** No partition has two owners; nobody who has not been put out holds what another owns. */
  check(): void {
    const owned = this.#members.flatMap(({ source }) => source.assignment()).map(({ partition }) => partition)
    assert.equal(new Set(owned).size, owned.length)
    const held = this.#members.filter(({ expelled }) => !expelled).flatMap(({ next }) => [...next.keys()])
    assert.equal(new Set(held).size, held.length)
  }

  /** Everybody leaves; who comes then reads on from what is committed to the end: together they have read everything. */
  async finish(): Promise<void> {
    for (const member of [...this.#members]) await this.#close(member)
    await this.#join()
    await settle()
    const [last] = this.#members as [Member]
    const ended = () =>
      partitions.every(({ topic, partition }) => last.next.get(partitionKey(topic, partition)) === this.#written[partition])
    for (let polls = 0; polls < 1_000 && !ended(); polls++) await last.poll()
    await this.#close(last)
    assert.deepEqual(
      this.#read.map(({ size }) => size),
      this.#written,
    )
    await using admin = await this.#transport.openAdmin(context)
    const committed = await admin.committedOffsets('g', partitions)
    assert.deepEqual(
      committed.map(({ offset }) => offset),
      this.#written,
    )
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof MillraceError ? error.code : error
}

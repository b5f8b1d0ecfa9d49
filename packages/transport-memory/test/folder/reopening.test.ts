import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { silentLogger, type RecordSource, type RecordWriter, type TransportAdmin } from '@millrace/core'
import fc from 'fast-check'
import { it } from 'vitest'
import { memory, type MemoryTransport } from '../../src/index.ts'
import { recordsOf, writeOf } from '../support/records.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const context = { logger: silentLogger }
const PARTITIONS = 2

const topic = fc.constantFrom('a', 'b')
const step = fc.oneof(
  fc.record({ do: fc.constant('create' as const), topic }),
  fc.record({ do: fc.constant('delete' as const), topic }),
  fc.record({
    do: fc.constantFrom('write' as const, 'write-in-transaction' as const),
    topic,
    count: fc.integer({ min: 1, max: 30 }),
    size: fc.nat(3_000),
  }),
  fc.record({ do: fc.constantFrom('commit-offset' as const, 'send-offset' as const), topic, offset: fc.nat(100) }),
  fc.record({ do: fc.constantFrom('commit' as const, 'abort' as const, 'reopen' as const, 'kill' as const) }),
  fc.record({ do: fc.constant('delete-records' as const), topic, part: fc.constantFrom(0.3, 0.7, 1) }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
/** Cases that were lost once. */
const found: [Step[]][] = [
  [
    [
      { do: 'write', topic: 'a', count: 1, size: 575 },
      { do: 'write', topic: 'a', count: 25, size: 896 },
      { do: 'write-in-transaction', topic: 'a', count: 17, size: 2_272 },
      { do: 'delete-records', topic: 'a', part: 1 },
      { do: 'kill' },
    ],
  ],
]
type Change = Exclude<Extract<Step, { readonly topic: string }>, { readonly do: 'create' | 'delete' }>

it('a log that is opened again, or whose process was killed, is what it was, without open transactions', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
      using folder = temporaryFolder()
      const world = new World(folder.path)
      await world.open()
      for (const name of ['a', 'b'] as const) await world.take({ do: 'create', topic: name })
      for (const next of steps) await world.take(next)
      await world.reopen('reopen')
      await world.close()
    }),
    { numRuns: 40, examples: found },
  )
})

class World {
  readonly #root: string
  #generation = 0
  #transport: MemoryTransport | undefined
  #admin: TransportAdmin | undefined
  #plain: RecordWriter | undefined
  #exact: RecordWriter | undefined
  #source: RecordSource | undefined
  #inTransaction = false
  #values = 0

  constructor(root: string) {
    this.#root = root
  }

  get #folder(): string {
    return join(this.#root, String(this.#generation))
  }

  async open(): Promise<void> {
    const transport = memory({ folder: this.#folder })
    this.#transport = transport
    this.#admin = await transport.openAdmin(context)
    this.#plain = await transport.openWriter({ clientId: 'plain' }, context)
    this.#exact = await transport.openWriter({ clientId: 'exact', transactionalId: 'exact' }, context)
    this.#source = await transport.openSource({ clientId: 'source', groupId: 'g', isolation: 'read-committed' }, context)
    this.#inTransaction = false
  }

  async close(): Promise<void> {
    for (const part of [this.#source, this.#exact, this.#plain, this.#admin]) await part?.close()
  }

  async take(next: Step): Promise<void> {
    const { admin, exact } = this.#parts()
    switch (next.do) {
      case 'reopen':
      case 'kill':
        return this.reopen(next.do)
      case 'commit':
      case 'abort':
        if (this.#inTransaction) await exact[next.do]()
        this.#inTransaction = false
        return
      case 'create':
        return admin.createTopics([{ topic: next.topic, partitions: PARTITIONS }])
      case 'delete':
        return admin.deleteTopics([next.topic])
      default:
        if ((await admin.describeTopics([next.topic])).length > 0) await this.#change(next)
    }
  }

  async #change(next: Change): Promise<void> {
    const { admin, plain, exact, source } = this.#parts()
    const partitions = partitionsOf(next.topic)
    switch (next.do) {
      case 'write':
        return plain.writeBatch(this.#batch(next.topic, next.count, next.size))
      case 'write-in-transaction':
        await this.#begin()
        return exact.writeBatch(this.#batch(next.topic, next.count, next.size))
      case 'commit-offset':
        return source.commit(partitions.map((at) => ({ ...at, offset: next.offset, metadata: 'm' })))
      case 'send-offset': {
        await this.#begin()
        const offsets = partitions.map((at) => ({ ...at, offset: next.offset }))
        return exact.sendOffsets(offsets, source)
      }
      case 'delete-records': {
        const ends = await admin.endOffsets(partitions, 'read-uncommitted')
        return admin.deleteRecords(ends.map((end) => ({ ...end, offset: Math.floor(end.offset * next.part) })))
      }
    }
  }

  async #begin(): Promise<void> {
    if (!this.#inTransaction) await this.#parts().exact.begin()
    this.#inTransaction = true
  }

  #batch(name: string, count: number, size: number) {
    return writeOf(
      name,
      Array.from({ length: count }, (_, i) => ({ key: `${i}`, value: `${this.#values++} ${'x'.repeat(size)}`, partition: i % PARTITIONS })),
    )
  }

  /** Opens the log again: after closing it, or as it would be found if the process had been killed. */
  async reopen(how: 'reopen' | 'kill'): Promise<void> {
    const killed = this.#folder
    if (how === 'kill') {
      const copy = join(this.#root, String(this.#generation + 1))
      cpSync(killed, copy, { recursive: true, filter: (path) => !path.includes('lock-') })
    }
    if (this.#inTransaction) await this.#parts().exact.abort()
    const before = await this.#snapshot()
    await this.close()
    if (how === 'kill') this.#generation++
    await this.open()
    assert.deepEqual(await this.#snapshot(), before)
  }

  async #snapshot() {
    const { admin, transport } = this.#parts()
    const topics = await admin.describeTopics([/./])
    const partitions = topics.flatMap(({ topic: name }) => partitionsOf(name))
    const starts = await admin.beginningOffsets(partitions)
    await using reader = await transport.openSource({ clientId: 'reader', isolation: 'read-committed', maxPollRecords: 1_000_000 }, context)
    await reader.assign(starts)
    const records = recordsOf(await reader.poll(0)).toSorted(
      (a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition || a.offset - b.offset,
    )
    return {
      topics,
      starts,
      records,
      committed: await admin.committedOffsets('g', partitions),
      ends: await admin.endOffsets(partitions, 'read-committed'),
    }
  }

  #parts() {
    assert.ok(this.#transport && this.#admin && this.#plain && this.#exact && this.#source)
    return { transport: this.#transport, admin: this.#admin, plain: this.#plain, exact: this.#exact, source: this.#source }
  }
}

function partitionsOf(name: string) {
  return Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: name, partition }))
}

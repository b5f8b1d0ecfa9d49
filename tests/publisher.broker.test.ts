import { randomBytes, randomUUID } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { bytesAt, COMPRESSIONS, type RecordWriter, silentLogger, type Transport, type WriteBatch } from '@millrace/core'
import { kafka } from 'millrace/kafka'
import { createPublisher, event, EVENT_ID_HEADER, type Publisher } from 'millrace/publisher'
import { settledEndOffsets } from 'millrace/testing'
import { describe, expect, inject, test } from 'vitest'
import { ChildProgram } from './support/child-program.ts'
import { ownBroker } from './support/own-broker.ts'
import { recordCodec } from './support/record-codec.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

interface Payload {
  readonly key: string
  readonly n: number
  readonly pad?: string
}

/** What the program `outbox-publisher` says. */
interface Said {
  readonly unsent?: number
}

const context = { logger: silentLogger }
const brokers = inject('kafkaBrokers')
const name = (what: string) => `publisher-${what}-${randomUUID()}`
const to = (topic: string, more: object = {}) => event<Payload>({ topic, key: ({ key }) => key, ...more })
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

async function create(transport: Transport, topics: readonly string[], config: Readonly<Record<string, string>> = {}): Promise<void> {
  const admin = await transport.openAdmin(context)
  await admin.createTopics(topics.map((topic) => ({ topic, partitions: 2, config })))
  await admin.close()
}

/** What is in a topic, up to its end, each event id once. */
async function read(transport: Transport, topic: string): Promise<readonly Payload[]> {
  const partitions = [0, 1].map((partition) => ({ topic, partition }))
  const admin = await transport.openAdmin(context)
  const ends = await settledEndOffsets(admin, partitions)
  await admin.close()
  const source = await transport.openSource({ clientId: 'reader', isolation: 'read-committed' }, context)
  await source.assign(partitions.map((at) => ({ ...at, offset: 0 })))
  const behind = new Set(ends.flatMap(({ partition, offset }) => (offset > 0 ? [partition] : [])))
  const seen = new Set<string>()
  const payloads: Payload[] = []
  while (behind.size > 0) {
    const polled = await source.poll(1_000)
    for (const batch of polled.batches) {
      for (let i = 0; i < batch.length; i++) {
        const id = batch.headers?.[i]?.find(({ key }) => key === EVENT_ID_HEADER)?.value
        if (seen.has(String(id))) continue
        seen.add(String(id))
        payloads.push(JSON.parse(Buffer.from(bytesAt(batch.values, i) ?? []).toString()) as Payload)
      }
      batch.release()
    }
    for (const { partition, offset } of polled.ends) if (offset >= (ends[partition]?.offset ?? 0)) behind.delete(partition)
  }
  await source.close()
  return payloads
}

const MIB = 1_048_576
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What is left when all that nobody holds is gone. */
function heldBytes(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const numbersOf = (payloads: readonly Payload[], key: string) => payloads.filter((one) => one.key === key).map(({ n }) => n)

describe.each(['confluent', 'packed'] as const)('on a broker, by the client %s,', (client) => {
  const transport = kafka({ brokers, client })

  test('events are in the log with the codec of their topic, where their receipts say', async () => {
    const topics = COMPRESSIONS.map((compression) => [compression, name(compression)] as const)
    await create(
      transport,
      topics.map(([, topic]) => topic),
    )
    // Without a word of it, it is lz4.
    const events = Object.fromEntries(
      topics.map(([compression, topic]) => [compression, to(topic, compression === 'lz4' ? {} : { compression })]),
    )
    await using publisher = createPublisher({ transport, events, environment: {} })
    const outcomes = await publisher.publishBatch(
      topics.flatMap(([type]) =>
        upTo(20).map((n) => ({ type, payload: { key: 'k', n, pad: 'compressible '.repeat(20) }, options: { key: null } })),
      ),
    )
    expect(outcomes.filter(({ ok }) => !ok)).toEqual([])
    for (const [compression, topic] of topics) {
      const offsets = outcomes.flatMap((one) =>
        one.ok && one.receipt.topic === topic ? [`${one.receipt.partition} ${one.receipt.offset}`] : [],
      )
      expect(new Set(offsets).size).toBe(20)
      const keyed = await publisher.publish(compression, { key: 'k', n: 0, pad: 'x'.repeat(500) })
      expect(keyed).toMatchObject({ topic })
    }
    // Of partition 0: keyless events go to either, keyed ones to where their key belongs.
    const first = topics.map(async ([compression, topic]) => {
      await publisher.publishBatch(upTo(30).map((n) => ({ type: compression, payload: { key: `k${n}`, n, pad: 'x'.repeat(500) } })))
      return recordCodec(brokers, topic)
    })
    expect(await Promise.all(first)).toEqual([...COMPRESSIONS])
  })

  test('75 events of three topics are one flush, and one operation of the client', async () => {
    const topics = ['one', 'two', 'three'].map(name)
    await create(transport, topics)
    const operations: (readonly [string, number])[][] = []
    const counted = kafka({ brokers, client })
    const openWriter = counted.openWriter.bind(counted)
    counted.openWriter = async (...args) => {
      const writer = (await openWriter(...args)) as Required<RecordWriter>
      const send = writer.send.bind(writer)
      return Object.assign(writer, {
        send(batches: readonly WriteBatch[]) {
          operations.push(batches.map(({ topic, length }) => [topic, length]))
          return send(batches)
        },
      })
    }
    const events = Object.fromEntries(topics.map((topic) => [topic, to(topic)]))
    const batch = { size: 75, timeoutMs: 60_000 }
    await using publisher = createPublisher({ transport: counted, events, environment: {}, batch })
    const published = upTo(75).map((n) => publisher.publish(topics[n % 3] as string, { key: `k${n}`, n }))
    expect(new Set((await Promise.all(published)).map(({ topic }) => topic))).toEqual(new Set(topics))
    expect(operations).toEqual([topics.map((topic) => [topic, 25])])
    expect(publisher.metrics().batch).toMatchObject({ flushes_total: 1, flushed_messages_total: 75, delivered_total: 75 })
    for (const [i, topic] of topics.entries())
      expect((await read(transport, topic)).map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(upTo(75).filter((n) => n % 3 === i))
  })

  test('a record that is too large fails alone, whether the broker refuses it or the client does, and the others keep their order', async () => {
    const topic = name('large')
    await create(transport, [topic], { 'max.message.bytes': '20000' })
    // Of a client that is told to wait a batch stays one: what is sent of it before would be overtaken by the rest if it is refused.
    const waiting = kafka({ brokers, client, producer: { 'linger.ms': 200 } })
    await using publisher = createPublisher({ transport: waiting, events: { a: to(topic, { compression: 'none' }) }, environment: {} })
    // One for the broker, which refuses its whole batch; one for the client, which refuses it before it is queued.
    const large = new Map([
      [17, 30_000],
      [40, 1_500_000],
    ])
    const outcomes = await publisher.publishBatch(
      upTo(60).map((n) => ({ type: 'a', payload: { key: `k${n % 3}`, n, pad: 'x'.repeat(large.get(n) ?? 10) } })),
    )
    expect(outcomes.flatMap((one, n) => (one.ok ? [] : [[n, one.error.code, one.error.outcome]]))).toEqual([
      [17, 'RECORD_TOO_LARGE', 'refused'],
      [40, 'RECORD_TOO_LARGE', 'refused'],
    ])
    const payloads = await read(transport, topic)
    for (const rest of [0, 1, 2]) expect(numbersOf(payloads, `k${rest}`)).toEqual(upTo(60).filter((n) => n % 3 === rest && !large.has(n)))
  })
})

describe('on a broker, too,', () => {
  const transport = kafka({ brokers })
  const keys = ['k0', 'k1', 'k2']
  const incompressible = randomBytes(40_000).toString('base64')

  test('a process that is killed leaves its outbox to the next: every event is there, in the order of its key, each id once', async () => {
    const topic = name('outbox')
    await create(transport, [topic])
    await using folder = await temporaryFolder()
    const config = { brokers, topic, folder: folder.path, count: 3_000 }
    await using first = new ChildProgram<Said>('outbox-publisher', { ...config, killAfter: 100 }, () => undefined)
    expect(await first.exit()).toBeNull()
    expect((await read(transport, topic)).length).toBeLessThan(3_000)
    let unsent = -1
    await using second = new ChildProgram<Said>('outbox-publisher', { ...config, count: 0 }, (said) => {
      unsent = said.unsent ?? unsent
    })
    expect(await second.exit()).toBe(0)
    expect(unsent).toBe(0)
    const payloads = await read(transport, topic)
    for (const [rest, key] of keys.entries()) expect(numbersOf(payloads, key)).toEqual(upTo(3_000).filter((n) => n % 3 === rest))
  }, 180_000)

  test('transactions are all or nothing, in the order of their keys, and who is fenced does not fence back', async () => {
    const topics = [name('one'), name('two')] as const
    await create(transport, topics, { 'max.message.bytes': '20000' })
    const zipped = name('zipped')
    await create(transport, [zipped])
    const zstd = { compression: 'zstd' }
    const events = { one: to(topics[0], zstd), two: to(topics[1], zstd), zipped: to(zipped, zstd) }
    const batch = { size: 10, maxSize: 20 }
    const options = { transport, events, environment: {}, batch, transactionalId: name('transactions') }
    await using publisher = createPublisher(options)
    const both = (n: number, pad = '') => (['one', 'two'] as const).map((type) => ({ type, payload: { key: 'k', n, pad } }))
    void publisher.publish('one', { key: 'k', n: 0 })
    const receipts = publisher.publishTransaction(both(1))
    void publisher.publish('one', { key: 'k', n: 2 })
    expect((await receipts).map(({ topic }) => topic)).toEqual(topics)
    await expect(publisher.publishTransaction(both(3, incompressible))).rejects.toMatchObject({ outcome: 'refused' })
    const pad = 'compressible '.repeat(20)
    // More than a flush may have: two of them, in one transaction.
    const large = (type: 'one' | 'zipped', last: string) =>
      upTo(30).map((n) => ({ type, payload: { key: `k${n}`, n, pad: n === 29 ? last : pad } }))
    // The second of them is refused: nothing of the first is visible.
    await expect(publisher.publishTransaction(large('one', incompressible))).rejects.toMatchObject({ outcome: 'refused' })
    await publisher.publishTransaction(both(4))
    const { flushes_total: flushes } = publisher.metrics().batch
    await publisher.publishTransaction(large('zipped', pad))
    expect(publisher.metrics().batch.flushes_total).toBe(flushes + 2)
    expect((await read(transport, zipped)).map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(upTo(30))
    expect(await recordCodec(brokers, zipped)).toBe('zstd')
    await publisher.forceFlush()
    const first = await read(transport, topics[0])
    expect(numbersOf(first, 'k')).toEqual([0, 1, 2, 4])
    expect(first).toHaveLength(4)
    expect(numbersOf(await read(transport, topics[1]), 'k')).toEqual([1, 4])
    await using other = createPublisher(options)
    await other.publishTransaction(both(5))
    for (const n of [6, 7])
      await expect(publisher.publishTransaction(both(n))).rejects.toMatchObject({
        code: 'TRANSACTION_FAILED',
        cause: { code: 'PRODUCER_FENCED' },
      })
    await other.publishTransaction(both(8))
    expect(numbersOf(await read(transport, topics[1]), 'k')).toEqual([1, 4, 5, 8])
  }, 180_000)

  test('a worker sends single events, batches and transactions, in the order of their keys', async () => {
    const topics = [name('worker-one'), name('worker-two')] as const
    await create(transport, topics, { 'max.message.bytes': '20000' })
    const publisher = createPublisher({
      transport,
      events: { one: to(topics[0]), two: to(topics[1]) },
      environment: {},
      transactionalId: name('worker'),
      worker: { execArgv: ['--import', 'tsx', '--conditions=@millrace/source'] },
    })
    const type = (n: number): 'one' | 'two' => (n % 2 === 0 ? 'one' : 'two')
    const payload = (n: number, pad = '') => ({ key: keys[n % 3] as string, n, pad })
    expect(await publisher.publish('one', payload(0))).toMatchObject({ topic: topics[0] })
    for (const n of upTo(300).slice(1)) void publisher.publish(type(n), payload(n))
    const transaction = publisher.publishTransaction([300, 301, 302].map((n) => ({ type: type(n) as 'one', payload: payload(n) })))
    const batch = [303, 304, 305, 306].map((n) => ({ type: type(n) as 'one', payload: payload(n, n === 304 ? incompressible : '') }))
    const outcomes = await publisher.publishBatch(batch)
    expect(outcomes.map((one) => (one.ok ? 'written' : one.error.code))).toEqual(['written', 'RECORD_TOO_LARGE', 'written', 'written'])
    expect(await transaction).toHaveLength(3)
    expect(await publisher.close()).toEqual({ unsent: [] })
    for (const [parity, topic] of topics.entries()) {
      const payloads = await read(transport, topic)
      for (const [rest, key] of keys.entries())
        expect(numbersOf(payloads, key)).toEqual(upTo(307).filter((n) => n % 2 === parity && n % 3 === rest && n !== 304))
    }
  }, 180_000)
})

test('with no broker there nothing hangs: publish waits in bounded memory, close answers in time with what was not sent', async () => {
  const transport = kafka({ brokers: '127.0.0.1:9', connectTimeoutMs: 1_000 })
  const publisher = createPublisher({ transport, events: { a: to('a') }, environment: {}, buffer: { maxEvents: 100 } })
  const settled = Promise.allSettled(upTo(1_000).map((n) => publisher.publish('a', { key: 'k', n })))
  const { unsent } = await publisher.close({ timeoutMs: 1_500 })
  const codes = (await settled).map((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : 'written'))
  expect(codes.slice(0, 200)).not.toContain('written')
  expect(codes.slice(200)).toEqual(Array.from({ length: 800 }, () => 'BUFFER_FULL'))
  expect(unsent.length).toBeGreaterThan(0)
})

test('what is held while Kafka is away takes no more memory than the buffer and what may wait for its room', async () => {
  const transport = kafka({ brokers: '127.0.0.1:9', connectTimeoutMs: 1_000 })
  const maxBytes = 8 * MIB
  const publisher = createPublisher({ transport, events: { a: to('a') }, environment: {}, buffer: { maxBytes } })
  const before = heldBytes()
  for (const n of upTo(5_000)) {
    // Each text is its own: what is held of it are its bytes.
    void publisher.publish('a', { key: `k${n % 100}`, n, pad: `${n} `.padEnd(20_000, 'x') })
    // As a service would: what is done with can be let go of now and then.
    if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  const held = heldBytes() - before
  const { buffered_bytes, rejected_total } = publisher.metrics().batch
  expect(buffered_bytes).toBeGreaterThan(0.9 * maxBytes)
  expect(buffered_bytes).toBeLessThanOrEqual(maxBytes)
  // Of 100 MB, what the buffer has and as much that waits for room; all of it is there.
  expect(rejected_total).toBeGreaterThan(4_000)
  expect(held).toBeGreaterThan(1.8 * maxBytes)
  expect(held).toBeLessThan(2 * maxBytes + 8 * MIB)
  await publisher.close({ timeoutMs: 0 })
})

test('a broker that is killed and comes back has every event, in the order of its key; what is pending meanwhile is bounded', async () => {
  await using broker = await ownBroker()
  const transport = kafka({ brokers: broker.brokers })
  const topics = [name('one'), name('two')]
  await create(transport, topics)
  const events = { one: to(topics[0] as string), two: to(topics[1] as string) }
  const publisher: Publisher<typeof events> = createPublisher({ transport, events, environment: {}, buffer: { maxEvents: 500 } })
  const keys = ['x', 'y', 'z']
  let most = 0
  const publish = async (from: number, count: number) => {
    for (let n = from; n < from + count; n++) {
      const type = n % 2 === 0 ? 'one' : 'two'
      const published = publisher.publish(type, { key: keys[n % 3] as string, n }, { priority: n % 5 === 0 ? 'high' : 'normal' })
      const { pendingEvents, inFlight, waitingForRoom } = publisher.getBatchStatus()
      most = Math.max(most, pendingEvents + inFlight)
      if (waitingForRoom > 0) await published
    }
  }
  await publish(0, 1_000)
  await publisher.forceFlush()
  const during = publish(1_000, 3_000)
  await broker.kill(0)
  await broker.restart(0)
  await during
  await publisher.forceFlush()
  expect(await publisher.close()).toEqual({ unsent: [] })
  expect(most).toBeLessThanOrEqual(500)
  for (const [parity, topic] of topics.entries()) {
    const payloads = await read(transport, topic)
    for (const [rest, key] of keys.entries())
      expect(numbersOf(payloads, key)).toEqual(upTo(4_000).filter((n) => n % 2 === parity && n % 3 === rest))
  }
}, 180_000)

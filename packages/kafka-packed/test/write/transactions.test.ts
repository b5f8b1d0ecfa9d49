import { ManualClock, viewColumn } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { deferred } from '../support/deferred.ts'
import { answering, commitOne, isSettled, openTransactional as open, TOPIC, write } from '../support/transactional-writer.ts'
import { added, ended, found, identity, KEY } from '../support/wire-broker.ts'

const WAIT = { timeout: 20_000 }

describe('a writer of transactions, on a cluster without KIP-890', () => {
  it('adds partitions once a transaction before it writes to them, and ends nothing in which there was nothing', async () => {
    await using both = await open()
    const { broker, writer } = both
    broker.asked.length = 0
    writer.begin()
    await write(writer, 'a')
    await writer.flush()
    await write(writer, 'b')
    await writer.commit()
    writer.begin()
    await writer.commit()
    const { addPartitions, produce, endTransaction } = KEY
    expect(broker.asked.filter((key) => key !== KEY.metadata)).toEqual([addPartitions, produce, produce, endTransaction])
  })

  it('commits nothing of which a record was refused, and after it was aborted goes on under the next epoch', async () => {
    await using both = await open()
    const { broker, writer } = both
    const sent = answering(broker, 0, 87)
    writer.begin()
    await write(writer, 'fine')
    await writer.flush()
    await write(writer, 'refused')
    const named = { topic: TOPIC, partition: 0, key: null, timestamp: 1 }
    const message = expect.stringMatching(/first of 1 records for t-0 .* without a key, of time 1\./) as string
    await expect(writer.commit()).rejects.toMatchObject({ kind: 'abortable', code: 87, retriable: false, record: named, message })
    await expect(write(writer, 'more')).rejects.toMatchObject({ kind: 'abortable' })
    expect(broker.count(KEY.endTransaction)).toBe(0)
    await writer.abort()
    await commitOne(writer, 'again')
    expect(sent.map(({ producerId, sequence }) => [producerId, sequence])).toEqual([
      [100, 0],
      [100, 1],
      [101, 0],
    ])
  })

  it('goes on under its numbers after an abort in which nothing was lost, and drops what was not sent', async () => {
    await using both = await open()
    const { broker, writer } = both
    const sent = answering(broker)
    writer.begin()
    await write(writer, 'a')
    await writer.flush()
    const written = write(writer, 'dropped')
    await Promise.all([written, writer.abort()])
    await commitOne(writer, 'b')
    expect(sent.map(({ producerId, sequence }) => [producerId, sequence])).toEqual([
      [100, 0],
      [100, 1],
    ])
  })

  it.each([
    ['writing', KEY.produce],
    ['ending', KEY.endTransaction],
  ])('is over when it is fenced while %s', async (_name, key) => {
    await using both = await open()
    const { broker, writer } = both
    if (key === KEY.produce) answering(broker, 47)
    else broker.answers.set(key, () => ended(90))
    writer.begin()
    await write(writer, 'a')
    await expect(writer.commit()).rejects.toMatchObject({ kind: 'fenced', retriable: false })
    await expect(writer.abort()).rejects.toMatchObject({ kind: 'fenced' })
    expect(() => writer.begin()).toThrow('taken over')
  })

  it('may commit again when it was not answered', async () => {
    await using both = await open()
    const { broker, writer } = both
    let asked = 0
    broker.answers.set(KEY.endTransaction, () => {
      asked++
      return asked === 1 ? 'cut' : ended(asked === 2 ? 51 : 0)
    })
    await commitOne(writer, 'a')
    expect(asked).toBe(3)
  })

  it('asks for nothing more once it is given up, and adds to the next transaction what it writes there', async () => {
    const clock = new ManualClock()
    await using both = await open({ clock })
    const { broker, writer } = both
    broker.asked.length = 0
    let code = 51
    broker.answers.set(KEY.addPartitions, ({ body }) => added(body, code))
    writer.begin()
    await write(writer, 'dropped')
    const flushed = writer.flush()
    await expect.poll(() => broker.count(KEY.addPartitions), WAIT).toBe(1)
    const aborted = writer.abort()
    code = 0
    await flushed
    await expect.poll(() => isSettled(aborted, () => clock.advance(100)), WAIT).toBe(true)
    await commitOne(writer, 'lives')
    const { addPartitions, produce, endTransaction } = KEY
    const transactional = broker.asked.filter((key) => key !== KEY.metadata && key !== KEY.findCoordinator)
    expect(transactional).toEqual([addPartitions, addPartitions, produce, endTransaction])
  })

  it('does not wait for a coordinator that is away once it is given up', async () => {
    const clock = new ManualClock()
    await using both = await open({ clock })
    const { broker, writer } = both
    const away = 15
    broker.answers.set(KEY.addPartitions, ({ body }) => added(body, away))
    broker.answers.set(KEY.findCoordinator, () => found(away))
    const asked = (): number => broker.count(KEY.findCoordinator)
    const before = asked()
    writer.begin()
    await write(writer, 'dropped')
    const flushed = writer.flush()
    await expect
      .poll(async () => {
        await clock.advance(100)
        return asked() - before
      }, WAIT)
      .toBeGreaterThan(1)
    const until = asked()
    const aborted = writer.abort()
    await flushed
    await expect.poll(() => isSettled(aborted, () => clock.advance(1_000)), WAIT).toBe(true)
    await aborted
    // One that was under way.
    expect(asked() - until).toBeLessThanOrEqual(1)
  })

  it('aborts without a word where a partition could not be added, so that there was no transaction', async () => {
    await using both = await open()
    const { broker, writer } = both
    broker.answers.set(KEY.addPartitions, ({ body }) => added(body, 29))
    broker.answers.set(KEY.endTransaction, () => ended(48))
    writer.begin()
    await write(writer, 'a')
    await expect(writer.commit()).rejects.toMatchObject({ kind: 'abortable', code: 29 })
    await writer.abort()
    expect(broker.count(KEY.endTransaction)).toBe(0)
    broker.answers.clear()
    await commitOne(writer, 'b')
  })

  it('goes on under another epoch where it was never answered whether partitions were added', async () => {
    const clock = new ManualClock()
    await using both = await open({ clock })
    const { broker, writer } = both
    const sent = answering(broker)
    broker.answers.set(KEY.addPartitions, () => 'cut')
    broker.answers.set(KEY.endTransaction, () => ended(48))
    writer.begin()
    await write(writer, 'dropped')
    const flushed = writer.flush()
    await expect.poll(() => broker.count(KEY.addPartitions), WAIT).toBe(1)
    const aborted = writer.abort()
    await flushed
    await expect.poll(() => isSettled(aborted, () => clock.advance(100)), WAIT).toBe(true)
    broker.answers.delete(KEY.addPartitions)
    broker.answers.delete(KEY.endTransaction)
    await commitOne(writer, 'lives')
    expect(sent.map(({ producerId, sequence }) => [producerId, sequence])).toEqual([[101, 0]])
  })

  it('finishes an abort that stopped between its end and the next epoch', async () => {
    const clock = new ManualClock()
    await using both = await open({ clock, transactionTimeoutMs: 1 })
    const { broker, writer } = both
    const sent = answering(broker, 87)
    writer.begin()
    await write(writer, 'refused')
    await expect(writer.commit()).rejects.toMatchObject({ kind: 'abortable' })
    broker.answers.set(KEY.initProducerId, () => identity(51, -1))
    const aborted = writer.abort()
    await expect.poll(() => isSettled(aborted, () => clock.advance(100)), WAIT).toBe(true)
    await expect(aborted).rejects.toMatchObject({ kind: 'transient', retriable: true })
    expect(() => writer.begin()).toThrow('this one is aborting')
    broker.answers.delete(KEY.initProducerId)
    await writer.abort()
    expect(broker.count(KEY.endTransaction)).toBe(1)
    await commitOne(writer, 'again')
    expect(sent.map(({ producerId, sequence }) => [producerId, sequence])).toEqual([
      [100, 0],
      [101, 0],
    ])
  })

  it('asks again how it ended when the answer can not be read, and never says that it may be aborted then', async () => {
    await using both = await open()
    const { broker, writer } = both
    let asked = 0
    broker.answers.set(KEY.endTransaction, () => (++asked === 1 ? Buffer.from([0]) : ended(0)))
    await commitOne(writer, 'a')
    expect(asked).toBe(2)
    broker.answers.set(KEY.endTransaction, () => Buffer.from([0]))
    writer.begin()
    await write(writer, 'b')
    await expect(writer.commit()).rejects.toMatchObject({ kind: 'fatal', message: expect.stringContaining("can't be told") as string })
    expect(() => writer.begin()).toThrow("can't be told")
  })

  it.each([
    ['who may not use its name', 53, 'not-authorized'],
    ['whom the broker tells nothing it knows of', -1, 'fatal'],
  ])('is over for %s, rather than aborted again and again', async (_name, code, kind) => {
    await using both = await open()
    const { broker, writer } = both
    broker.answers.set(KEY.endTransaction, () => ended(code))
    writer.begin()
    await write(writer, 'a')
    await expect(writer.commit()).rejects.toMatchObject({ kind, code })
    await expect(writer.abort()).rejects.toMatchObject({ kind, code })
    expect(broker.count(KEY.endTransaction)).toBe(1)
  })

  it('tells once of each of several batches whose time is over, and waits for the one that is under way', async () => {
    const clock = new ManualClock()
    await using both = await open({ clock, batchBytes: 1, lingerMs: 0, deliveryTimeoutMs: 1_000 })
    const { broker, writer } = both
    const answered = deferred()
    broker.answers.set(KEY.produce, async (request) => {
      await answered.promise
      return broker.usual(request)
    })
    const told: number[] = []
    const onDelivered = (row: number): void => {
      told.push(row)
    }
    const columns = { keys: viewColumn([null, null, null]), values: viewColumn([null, null, null]), timestamps: [1, 2, 3] }
    writer.begin()
    await writer.write({ topic: TOPIC, length: 3, ...columns, onDelivered })
    const buffered = writer.bufferedBytes
    const flushed = writer.flush()
    await expect.poll(() => broker.count(KEY.produce), WAIT).toBe(1)
    expect(await isSettled(flushed, () => clock.advance(1_100))).toBe(false)
    expect(told).toEqual([1, 2])
    expect(writer.bufferedBytes).toBe(buffered / 3)
    answered.resolve()
    expect(await flushed).toHaveLength(2)
    expect(told).toEqual([1, 2, 0])
    expect(writer.bufferedBytes).toBe(0)
    await writer.abort()
  })

  it('says what comes in the wrong order', async () => {
    await using both = await open()
    const { writer } = both
    await expect(write(writer, 'a')).rejects.toThrow('begin() comes before')
    await expect(writer.commit()).rejects.toThrow("commit() comes behind begin(); the state is 'none'")
    await expect(writer.abort()).rejects.toThrow('abort() comes behind begin()')
    writer.begin()
    expect(() => writer.begin()).toThrow('this one is open')
  })
})

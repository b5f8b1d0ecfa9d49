import { ManualClock, viewColumn } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { PackedWriter } from '../../src/index.ts'
import { deferred } from '../support/deferred.ts'
import { isSettled } from '../support/transactional-writer.ts'
import { KEY, produced, readProduce, WireBroker } from '../support/wire-broker.ts'

const TOPIC = 't'
const WAIT = { timeout: 20_000 }

function write(writer: PackedWriter, value: string): Promise<void> {
  return writer.write({ topic: TOPIC, length: 1, keys: viewColumn([null]), values: viewColumn([Buffer.from(value)]), timestamps: [1] })
}

describe('a writer', () => {
  it('asks for a topic that is not there again and again, as long as a request may take, and says that it is not', async () => {
    const clock = new ManualClock()
    await using broker = await WireBroker.open({ name: TOPIC, code: 3, partitions: [] })
    await using writer = await PackedWriter.open({ brokers: broker.brokers, clock, requestTimeoutMs: 10_000 })
    const asked = broker.count(KEY.metadata)
    const written = write(writer, 'a')
    await expect
      .poll(async () => {
        await clock.advance(10)
        return broker.count(KEY.metadata) - asked
      }, WAIT)
      .toBeGreaterThan(1)
    await expect.poll(() => isSettled(written, () => clock.advance(1_000)), WAIT).toBe(true)
    await expect(written).rejects.toMatchObject({ kind: 'unknown-topic', code: 3 })
    expect(clock.monotonic()).toBeGreaterThanOrEqual(10_000)
  })

  it('writes to a partition that was added since it looked last', async () => {
    const partition = { leader: 1, epoch: 0 }
    await using broker = await WireBroker.open({ name: TOPIC, partitions: [partition] })
    const written: number[] = []
    broker.answers.set(KEY.produce, ({ body }) => {
      const batches = readProduce(body)
      written.push(...batches.map((batch) => batch.partition))
      return produced(batches.map((batch) => ({ ...batch, code: 0 })))
    })
    await using writer = await PackedWriter.open({ brokers: broker.brokers, lingerMs: 0 })
    await write(writer, 'a')
    broker.topics = [{ name: TOPIC, partitions: [partition, partition] }]
    const columns = { keys: viewColumn([null, null]), values: viewColumn([null, null]), timestamps: [1, 1] }
    await writer.write({ topic: TOPIC, length: 2, ...columns, partitions: [1, 2] })
    expect(await writer.flush()).toMatchObject([{ partition: 2, error: { kind: 'unknown-topic', code: 3 } }])
    expect(written).toEqual([0, 1])
  })

  it('does not send what has expired while the process stood still, if it was about to send it', async () => {
    const clock = new ManualClock()
    await using broker = await WireBroker.open({ name: TOPIC, partitions: [{ leader: 1, epoch: 0 }] })
    let requests = 0
    broker.answers.set(KEY.produce, ({ body }) => {
      requests++
      return produced(readProduce(body).map((batch) => ({ ...batch, code: 0 })))
    })
    await using writer = await PackedWriter.open({ brokers: broker.brokers, clock, lingerMs: 0, deliveryTimeoutMs: 1_000 })
    await write(writer, 'in time')
    expect(await writer.flush()).toEqual([])
    // Both at once: the request is made when the time is over.
    const [, failures] = await Promise.all([write(writer, 'late'), writer.flush(), clock.advance(1_001)])
    expect(failures).toMatchObject([{ records: 1, error: { kind: 'timed-out' } }])
    expect(requests).toBe(1)
  })

  it('says of records for a topic that was deleted that it is not there, once their time is over', async () => {
    const clock = new ManualClock()
    await using broker = await WireBroker.open({ name: TOPIC, partitions: [{ leader: 1, epoch: 0 }] })
    broker.answers.set(KEY.produce, ({ body }) => produced(readProduce(body).map((batch) => ({ ...batch, code: 0 }))))
    await using writer = await PackedWriter.open({ brokers: broker.brokers, clock, lingerMs: 0, deliveryTimeoutMs: 1_000 })
    await write(writer, 'written')
    expect(await writer.flush()).toEqual([])
    broker.topics = [{ name: TOPIC, code: 3, partitions: [] }]
    broker.answers.set(KEY.produce, ({ body }) => produced(readProduce(body).map((batch) => ({ ...batch, code: 3 }))))
    await write(writer, 'lost')
    const flushed = writer.flush()
    await expect.poll(() => isSettled(flushed, () => clock.advance(100)), WAIT).toBe(true)
    expect(await flushed).toMatchObject([{ records: 1, error: { kind: 'unknown-topic', code: 3, retriable: false } }])
  })

  it('tells who gives it up what was not acknowledged, and why, also while a flush waits for it', async () => {
    await using broker = await WireBroker.open({ name: TOPIC, partitions: [{ leader: 1, epoch: 0 }] })
    broker.answers.set(KEY.produce, ({ body }) => produced(readProduce(body).map((batch) => ({ ...batch, code: 19 }))))
    const writer = await PackedWriter.open({ brokers: broker.brokers, lingerMs: 0 })
    await write(writer, 'a')
    const flushed = writer.flush()
    await expect.poll(() => writer.statistics().retries, WAIT).toBeGreaterThan(0)
    const message = expect.stringMatching(/^Records for t-0 were not acknowledged .* \(code 19\)\.$/) as string
    expect(writer.abandon()).toMatchObject([{ topic: TOPIC, partition: 0, records: 1, error: { kind: 'closed', message } }])
    await expect(flushed).rejects.toMatchObject({ kind: 'closed' })
    expect(await writer.close()).toHaveLength(1)
  })

  it('gives records without a time that of writing, and cuts fractions off', async () => {
    const clock = new ManualClock(5_000)
    await using broker = await WireBroker.open({ name: TOPIC, partitions: [{ leader: 1, epoch: 0 }] })
    broker.answers.set(KEY.produce, ({ body }) => produced(readProduce(body).map((batch) => ({ ...batch, code: 87 }))))
    await using writer = await PackedWriter.open({ brokers: broker.brokers, clock, lingerMs: 0 })
    const times: number[] = []
    for (const timestamp of [-1, Number.NaN, 0, 1.7e12 + 0.9]) {
      await writer.write({ topic: TOPIC, length: 1, keys: viewColumn([null]), values: viewColumn([null]), timestamps: [timestamp] })
      times.push(...(await writer.flush()).map(({ record }) => record.timestamp))
    }
    expect(times).toEqual([5_000, 5_000, 0, 1.7e12])
  })

  it('takes nothing more when it is being closed, also not what has waited for room', async () => {
    await using broker = await WireBroker.open({ name: TOPIC, partitions: [{ leader: 1, epoch: 0 }] })
    const answered = deferred()
    let records = 0
    broker.answers.set(KEY.produce, async ({ body }) => {
      await answered.promise
      const batches = readProduce(body)
      for (const batch of batches) records += batch.records
      return produced(batches.map(({ topic, partition }) => ({ topic, partition, code: 0 })))
    })
    const writer = await PackedWriter.open({ brokers: broker.brokers, lingerMs: 0, maxBufferedBytes: 1 })
    await write(writer, 'taken')
    const waiting = write(writer, 'waits')
    const closing = writer.close()
    answered.resolve()
    await expect(waiting).rejects.toMatchObject({ kind: 'closed' })
    expect(await closing).toEqual([])
    expect(records).toBe(1)
  })
})

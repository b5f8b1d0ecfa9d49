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

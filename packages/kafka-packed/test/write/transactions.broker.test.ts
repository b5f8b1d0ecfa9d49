import { randomUUID } from 'node:crypto'
import { viewColumn } from '@millrace/core'
import { describe, expect, inject, it } from 'vitest'
import { PackedWriter } from '../../src/index.ts'
import { Confluent } from '../support/confluent.ts'

const confluent = new Confluent(inject('kafkaBrokers'))
const PARTITIONS = 2

/** Each is less than a test may take, so that what hangs is told by an error of its own. */
const LIMITS = { requestTimeoutMs: 10_000, deliveryTimeoutMs: 30_000, transactionTimeoutMs: 30_000 }

function open(transactionalId: string): Promise<PackedWriter> {
  return PackedWriter.open({ brokers: confluent.addresses, lingerMs: 0, transactionalId, ...LIMITS })
}

async function write(writer: PackedWriter, topic: string, ...values: string[]): Promise<void> {
  await writer.write({
    topic,
    length: values.length,
    keys: viewColumn(values.map(() => null)),
    values: viewColumn(values.map((value) => Buffer.from(value))),
    timestamps: values.map(() => 1),
    partitions: values.map((_, i) => i % PARTITIONS),
  })
}

async function committed(topic: string, count: number): Promise<string[]> {
  const read = await confluent.read(topic, PARTITIONS, count)
  return read.map(({ value }) => value?.toString() ?? '').toSorted()
}

describe('a writer of transactions', { timeout: 120_000 }, () => {
  it('commits and aborts, one after the other, what others read who read what is committed', async () => {
    const topic = await confluent.topic(PARTITIONS)
    await using writer = await open(randomUUID())
    for (let i = 0; i < 4; i++) {
      writer.begin()
      await write(writer, topic, `${i} a`, `${i} b`)
      if (i % 2 === 0) await writer.commit()
      else {
        await writer.flush()
        await writer.abort()
      }
    }
    expect(await committed(topic, 4)).toEqual(['0 a', '0 b', '2 a', '2 b'])
  })

  it('aborts a transaction with a record that is refused, and goes on', async () => {
    const topic = await confluent.topic(PARTITIONS, { 'max.message.bytes': '1000' })
    await using writer = await open(randomUUID())
    writer.begin()
    await write(writer, topic, 'fine')
    await writer.flush()
    await write(writer, topic, 'x'.repeat(2_000))
    await expect(writer.commit()).rejects.toMatchObject({ kind: 'abortable', code: 10 })
    await writer.abort()
    writer.begin()
    await write(writer, topic, 'after')
    await writer.commit()
    expect(await committed(topic, 1)).toEqual(['after'])
  })

  it('is over when another has taken over its id, which ends what it has left open', async () => {
    const topic = await confluent.topic(PARTITIONS)
    const id = randomUUID()
    const first = await open(id)
    first.begin()
    await write(first, topic, 'left')
    await first.flush()
    await using second = await open(id)
    await write(first, topic, 'zombie')
    await expect(first.commit()).rejects.toMatchObject({ kind: 'fenced', retriable: false })
    await first.close()
    second.begin()
    await write(second, topic, 'second')
    await second.commit()
    expect(await committed(topic, 1)).toEqual(['second'])
  })
})

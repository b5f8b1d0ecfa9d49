import { setImmediate } from 'node:timers/promises'
import { viewColumn } from '@millrace/core'
import type { PackedWriter, TopicLookup, WriteFailed } from '@millrace/kafka-packed'
import { expect, test } from 'vitest'
import { PackedProducer } from '../../src/packed/packed-producer.ts'

const LIMIT_MS = 20_000
const ROW = { topic: 't', length: 1, keys: viewColumn([null]), values: viewColumn([null]), timestamps: [1] }

function deferred() {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** A writer that takes rows once there is room, and whose flushes end one by one. */
function waitingWriter() {
  const room = deferred()
  const flushes: ReturnType<typeof deferred>[] = []
  const flush = async (): Promise<readonly WriteFailed[]> => {
    const one = deferred()
    flushes.push(one)
    await one.promise
    return []
  }
  const writer: Pick<PackedWriter, 'write' | 'flush'> = { write: () => room.promise, flush }
  return { room, flushes, writer: writer as PackedWriter }
}

test.each(['produce', 'produceReported'] as const)(
  'a flush that joins another waits for what was taken by %s since that began',
  async (way) => {
    const { room, flushes, writer } = waitingWriter()
    const producer = new PackedProducer({
      writer,
      lookup: {} as TopicLookup,
      maxRecordBytes: 1_000,
      portionBytes: 1_000,
      rebalancePatienceMs: 1_000,
    })
    const taken = way === 'produce' ? producer.produce(ROW, 0, 1) : producer.produceReported(ROW, { from: 0, to: 1 }, () => undefined)
    const first = producer.flush(LIMIT_MS)
    room.resolve()
    await taken
    const second = producer.flush(LIMIT_MS)
    flushes[0]?.resolve()
    expect(await first).toBe(true)
    expect(await Promise.race([second, setImmediate('waits')])).toBe('waits')
    flushes[1]?.resolve()
    expect(await second).toBe(true)
  },
)

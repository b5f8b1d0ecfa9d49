import { setImmediate } from 'node:timers/promises'
import { viewColumn } from '@millrace/core'
import { PackedError, type PackedWriter, type TopicLookup, type WriteFailed } from '@millrace/kafka-packed'
import { expect, test } from 'vitest'
import type { DeliveryFailure } from '../../src/client/kafka-client.ts'
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

/** Five rows of 34 bytes each, with what a record counts for by itself. */
const ROWS = {
  topic: 't',
  length: 5,
  keys: viewColumn(Array.from({ length: 5 }, () => null)),
  values: viewColumn(Array.from({ length: 5 }, (_, i) => Buffer.alloc(18, i))),
  timestamps: [0, 1, 2, 3, 4],
}

/** A writer that says how many rows it was handed at once, and refuses the third time. */
function countingWriter(failures: readonly WriteFailed[] = []) {
  const taken: number[] = []
  const write: PackedWriter['write'] = async ({ length, onDelivered }) => {
    if (taken.length === 2) throw new PackedError('It is over.', { kind: 'fatal' })
    taken.push(length)
    for (let row = 0; row < length; row++) onDelivered?.(row, { partition: 0, offset: row })
  }
  const flush = (): Promise<readonly WriteFailed[]> => Promise.resolve(failures)
  const writer: Pick<PackedWriter, 'write' | 'flush'> = { write, flush }
  const options = { lookup: {} as TopicLookup, maxRecordBytes: 1_000, portionBytes: 50, rebalancePatienceMs: 1_000 }
  return { taken, producer: new PackedProducer({ writer: writer as PackedWriter, ...options }) }
}

test('many bytes are handed over in portions, and what was taken before one is refused stays taken', async () => {
  const { taken, producer } = countingWriter()
  const reported: number[] = []
  const answer = await producer.produceReported(ROWS, { from: 0, to: 5 }, (row) => void reported.push(row))
  expect(answer).toMatchObject({ queued: 4, refused: 5, error: { kind: 'fatal' } })
  expect([taken, reported]).toEqual([
    [2, 2],
    [0, 1, 2, 3],
  ])
})

test('records that failed together are told one by one, unless each was reported', async () => {
  const error = new PackedError('It took too long.', { kind: 'timed-out' })
  const failed = { topic: 't', partition: 3, records: 300, record: { index: 0, key: null, timestamp: 1 }, error }
  const toldBy = async (write: (producer: PackedProducer) => Promise<unknown>): Promise<DeliveryFailure[]> => {
    const { producer } = countingWriter([failed])
    const told: DeliveryFailure[] = []
    producer.listen((failure) => told.push(failure))
    await write(producer)
    await producer.flush(LIMIT_MS)
    return told
  }
  const told = await toldBy((producer) => producer.produce(ROW, 0, 1))
  expect(told).toHaveLength(300)
  expect(told.at(-1)).toMatchObject({ topic: 't', partition: 3, error: { kind: 'timed-out' } })
  expect(await toldBy((producer) => producer.produceReported(ROW, { from: 0, to: 1 }, () => undefined))).toEqual([])
})

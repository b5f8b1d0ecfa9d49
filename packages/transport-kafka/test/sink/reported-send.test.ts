import { viewColumn } from '@millrace/core'
import { expect, test } from 'vitest'
import { ClientError } from '../../src/client/client-error.ts'
import type { ProducerClient, QueuedRows, ReportRow, RowRange } from '../../src/client/kafka-client.ts'
import { ReportedSend } from '../../src/sink/reported-send.ts'

type Answer = (rows: RowRange, report: ReportRow) => QueuedRows | Promise<QueuedRows>

/** A send of so many rows to a client that answers so; the rows that it was asked to queue. */
function sending(length: number, answer: Answer, headers?: Parameters<typeof batchOf>[1]) {
  const asked: string[] = []
  const produceReported: ProducerClient['produceReported'] = (_batch, rows, report) => {
    asked.push(`${rows.from}-${rows.to}`)
    return answer(rows, report)
  }
  const producer = { produceReported } as ProducerClient
  return { send: new ReportedSend(batchOf(length, headers), { producer, giveUpMs: 60_000, check: () => undefined }), asked }
}

function batchOf(length: number, headers: readonly unknown[] | undefined) {
  const bytes = Array.from({ length }, () => Buffer.from('x'))
  return {
    topic: 't',
    length,
    keys: viewColumn(bytes),
    values: viewColumn(bytes),
    timestamps: bytes.map(() => 1),
    headers: headers as undefined,
  }
}

const written = (from: number, to: number, report: ReportRow) => {
  for (let row = from; row < to; row++) report(row, { partition: 0, offset: row })
}
const outcomes = async (send: ReportedSend) => {
  await send.queue()
  return (await send.done).map((one) => (one.outcome === 'written' ? one.offset : one.error.code))
}

test('all rows are queued at once, and told by their own reports', async () => {
  const { send, asked } = sending(3, async ({ from, to }, report) => {
    written(from, to, report)
    return { queued: to }
  })
  expect(await outcomes(send)).toEqual([0, 1, 2])
  expect(asked).toEqual(['0-3'])
})

test('a row that is refused is refused alone, or with those that the error is of', async () => {
  const tooLarge = new ClientError('large', { kind: 'record-too-large', code: 10 })
  const unknown = new ClientError('gone', { kind: 'unknown-topic', code: 3 })
  const { send, asked } = sending(6, ({ from, to }, report) => {
    if (from === 3) return { queued: 3, refused: to, error: unknown }
    written(0, 2, report)
    return { queued: 2, error: tooLarge }
  })
  expect(await outcomes(send)).toEqual([0, 1, 'RECORD_TOO_LARGE', 'UNKNOWN_TOPIC', 'UNKNOWN_TOPIC', 'UNKNOWN_TOPIC'])
  expect(asked).toEqual(['0-6', '3-6'])
})

test('a row whose headers are none splits what is queued, and is refused in its turn', async () => {
  const headers = [undefined, [{ key: 'k\0', value: null }], undefined]
  const { send, asked } = sending(
    3,
    ({ from, to }, report) => {
      written(from, to, report)
      return { queued: to }
    },
    headers,
  )
  expect(await outcomes(send)).toEqual([0, 'INVALID_RECORD', 2])
  expect(asked).toEqual(['0-1', '2-3'])
})

test('what has no room in the queue is tried again, and after an error that holds for all nothing is queued any more', async () => {
  const full = new ClientError('full', { kind: 'queue-full', code: -184 })
  const fenced = new ClientError('fenced', { kind: 'fenced', code: -144 })
  const answers = [1, 1, 2].map((queued, i) => ({ queued, error: i < 2 ? full : fenced }))
  const { send, asked } = sending(5, (_rows, report) => {
    const answer = answers.shift() as QueuedRows
    if (asked.length === 1) written(0, 1, report)
    if (answer.queued === 2) written(1, 2, report)
    return answer
  })
  expect(await outcomes(send)).toEqual([0, 1, 'PRODUCER_FENCED', 'PRODUCER_FENCED', 'PRODUCER_FENCED'])
  expect(asked).toEqual(['0-5', '1-5', '1-5'])
})

import { ManualClock, type RecordSource, silentLogger } from '@millrace/core'
import { expect, test, vi } from 'vitest'
import { readTopics } from '../../src/records/read-topics.ts'
import { MemoryApp } from '../support/memory-app.ts'

const context = { logger: silentLogger }

/** All that is read of a topic by a source whose polls are `polled`. */
async function read(
  app: MemoryApp,
  clock: ManualClock,
  polled: (source: RecordSource, poll: RecordSource['poll']) => RecordSource['poll'],
) {
  const openSource = app.transport.openSource.bind(app.transport)
  vi.spyOn(app.transport, 'openSource').mockImplementation(async (options, given) => {
    const source = await openSource(options, given)
    const poll = source.poll.bind(source)
    vi.spyOn(source, 'poll').mockImplementation(polled(source, poll))
    return source
  })
  const values: string[] = []
  const partitions = [{ topic: 'lines', partition: 0 }]
  for await (const records of readTopics({ transport: app.transport, admin: app.admin, context, partitions, clock })) {
    values.push(...records.map(({ value }) => new TextDecoder().decode(value ?? new Uint8Array())))
  }
  return values
}

test('brokers that go away while they are read are not waited for without end', async () => {
  await using app = await MemoryApp.open()
  await app.createTopics({ lines: 1 })
  await app.write('lines', 0, ['a', 'b'])
  const clock = new ManualClock()
  const silent = read(app, clock, () => async (ms) => {
    await clock.advance(ms)
    // So that a test that fails ends.
    await new Promise((resolve) => setImmediate(resolve))
    return { batches: [], ends: [] }
  })

  await expect(silent).rejects.toMatchObject({ code: 'TIMED_OUT', retryable: true, message: expect.stringContaining('30 s') as unknown })
  expect(clock.monotonic()).toBe(30_000)
})

test('who is slow, and answers, is waited for', async () => {
  await using app = await MemoryApp.open()
  await app.createTopics({ lines: 1 })
  await app.write('lines', 0, ['a', 'b', 'c'])
  const clock = new ManualClock()
  let polls = 0
  const values = await read(app, clock, (_, poll) => async (ms) => {
    await clock.advance(ms)
    return ++polls % 30 === 0 ? poll(0) : { batches: [], ends: [] }
  })

  expect(values).toEqual(['a', 'b', 'c'])
})

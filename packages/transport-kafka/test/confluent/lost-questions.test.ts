import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ConfluentProducer } from '../../src/confluent/confluent-producer.ts'
import type { Callback, RawModule, RawProducer, RawTopicDescription } from '../../src/confluent/raw-api.ts'

const timedOut = { message: 'timed out', code: -185 }

/** A library that loses the first question, as it does now and then while it replaces a connection: it says so when the time for it is over. */
function losesFirst() {
  let asked = 0
  const describeTopics = (
    topics: readonly string[],
    { timeout }: { timeout: number },
    callback: Callback<readonly RawTopicDescription[]>,
  ) => {
    if (asked++ === 0) setTimeout(() => callback(timedOut, []), timeout)
    else callback(null, topics.map((name) => ({ name, partitions: [] })) as never)
  }
  return { AdminClient: { createFrom: () => ({ describeTopics }) } } as unknown as RawModule
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('a writer asks again when the client has lost a question, long before a request would have been given up', async () => {
  const producer = { setPollInBackground() {}, on() {} } as unknown as RawProducer
  const writer = new ConfluentProducer({ library: losesFirst(), producer, requestTimeoutMs: 30_000, transactionTimeoutMs: 0 })
  const answer = writer.existing(['t'])
  await vi.advanceTimersByTimeAsync(5_000)
  expect([...(await answer)]).toEqual(['t'])
})

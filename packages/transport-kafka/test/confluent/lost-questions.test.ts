import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ConfluentAdmin } from '../../src/confluent/confluent-admin.ts'
import { ConfluentProducer } from '../../src/confluent/confluent-producer.ts'
import type { Callback, RawConsumer, RawModule, RawProducer, RawTopicDescription } from '../../src/confluent/raw-api.ts'

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

test.for([
  [
    'a writer',
    (library: RawModule) => {
      const producer = { setPollInBackground() {}, on() {} } as unknown as RawProducer
      return new ConfluentProducer({ library, producer, requestTimeoutMs: 30_000, transactionTimeoutMs: 0 }).existing(['t'])
    },
  ],
  [
    'an admin client',
    (library: RawModule) => {
      const openGroup = () => Promise.reject(new Error('nobody asks for a group'))
      return new ConfluentAdmin({ library, consumer: {} as RawConsumer, openGroup, timeoutMs: 30_000 }).describeTopics(['t'])
    },
  ],
] as const)('%s asks again when the client has lost a question, long before a request would have been given up', async ([, ask]) => {
  const answer = ask(losesFirst())
  await vi.advanceTimersByTimeAsync(5_000)
  expect([...(await answer)]).toHaveLength(1)
})

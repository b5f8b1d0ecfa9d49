import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ConsumerClient, ConsumerEvents, Fetched, KafkaClient } from '../../src/client/kafka-client.ts'
import { silentLogger } from '@millrace/core'
import { KafkaSource } from '../../src/source/kafka-source.ts'

const NOTHING: Fetched = { batches: [], ends: [], records: 0 }
const OFFSET = { topic: 't', partition: 0, offset: 1 }

/** A client that has nothing, and answers commits when it is told to. */
async function open(tellsOnlyInFetch: boolean) {
  let events: ConsumerEvents | undefined
  let fetches = 0
  const consumer = {
    tellsOnlyInFetch,
    listen(given: ConsumerEvents) {
      events = given
    },
    fetch() {
      fetches++
      return Promise.resolve(NOTHING)
    },
    commit() {},
    endQuestions() {},
    close: () => Promise.resolve(),
  } as unknown as ConsumerClient
  const client = { openConsumer: () => Promise.resolve(consumer) } as unknown as KafkaClient
  const options = { clientId: 'a', groupId: 'g', isolation: 'read-committed' } as const
  const source = await KafkaSource.open(client, { options, logger: silentLogger, requestTimeoutMs: 30_000 })
  return { source, fetches: () => fetches, confirm: () => events?.onCommitted(undefined, [OFFSET]) }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

describe('a commit that is under way', () => {
  test.each([
    { tellsOnlyInFetch: true, most: 501, least: 100 },
    { tellsOnlyInFetch: false, most: 7, least: 0 },
  ])('is asked for only where its answer comes with a fetch: $tellsOnlyInFetch', async ({ tellsOnlyInFetch, most, least }) => {
    const { source, fetches, confirm } = await open(tellsOnlyInFetch)
    const committed = source.commit([OFFSET])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(fetches()).toBeLessThanOrEqual(most)
    expect(fetches()).toBeGreaterThanOrEqual(least)
    confirm()
    await committed
    await source.close()
  })
})

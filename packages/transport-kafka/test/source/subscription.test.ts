import { silentLogger } from '@millrace/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ConsumerClient } from '../../src/client/kafka-client.ts'
import { Subscription } from '../../src/source/subscription.ts'

function open() {
  const answers: ((topics: readonly string[]) => void)[] = []
  const subscribed: (readonly string[])[] = []
  const client = {
    listTopics: () => new Promise<readonly string[]>((resolve) => void answers.push(resolve)),
    subscribe: (topics: readonly string[]) => void subscribed.push(topics),
  } as unknown as ConsumerClient
  const subscription = new Subscription(client, ['named', /^orders/], silentLogger)
  return { subscription, answers, subscribed }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a subscription by a pattern', () => {
  test('follows the topics, one question at a time, however long the answers take', async () => {
    const { subscription, answers, subscribed } = open()
    const started = subscription.start()
    answers[0]?.(['orders-1', 'other'])
    await started
    await vi.advanceTimersByTimeAsync(60_000)
    expect(answers).toHaveLength(2)
    answers[1]?.(['orders-1', 'orders-2'])
    await vi.advanceTimersByTimeAsync(5_000)
    expect(answers).toHaveLength(3)
    expect(subscribed).toEqual([
      ['named', 'orders-1'],
      ['named', 'orders-1', 'orders-2'],
    ])
    subscription.end()
  })

  test('ends without an answer, which changes nothing any more', async () => {
    const { subscription, answers, subscribed } = open()
    const started = subscription.start()
    answers[0]?.(['orders-1'])
    await started
    await vi.advanceTimersByTimeAsync(5_000)
    subscription.end()
    answers[1]?.(['orders-1', 'orders-2'])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(subscribed).toHaveLength(1)
    expect(answers).toHaveLength(2)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('that ends before its first answer joins nothing', async () => {
    const { subscription, answers, subscribed } = open()
    const started = subscription.start()
    subscription.end()
    answers[0]?.(['orders-1'])
    await started
    expect(subscribed).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })
})

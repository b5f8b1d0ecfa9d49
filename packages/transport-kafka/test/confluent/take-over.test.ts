import { describe, expect, test } from 'vitest'
import { ConfluentProducer } from '../../src/confluent/confluent-producer.ts'
import type { Callback, RawModule, RawProducer } from '../../src/confluent/raw-api.ts'

/** The call before is under way still. */
const IN_PROGRESS = { message: 'in progress', code: -178 }

/** A writer whose library refuses so many takeovers of its transactional id, at once. */
function refusing(count: number) {
  let asked = 0
  const producer = {
    setPollInBackground() {},
    on() {},
    initTransactions: (_timeoutMs: number, callback: Callback) => callback(asked++ < count ? IN_PROGRESS : null, undefined),
  } as unknown as RawProducer
  const library = { AdminClient: { createFrom: () => ({}) } } as unknown as RawModule
  const writer = new ConfluentProducer({ library, producer, requestTimeoutMs: 30_000, transactionTimeoutMs: 0 })
  return { writer, asked: () => asked }
}

describe('taking over a transactional id', () => {
  test('is tried again when that may help', async () => {
    const { writer, asked } = refusing(2)
    await writer.takeOver(30_000)
    expect(asked()).toBe(3)
  })

  test('leaves the library time between two tries', async () => {
    const { writer, asked } = refusing(Infinity)
    await expect(writer.takeOver(500)).rejects.toMatchObject({ kind: 'transient', code: IN_PROGRESS.code })
    expect(asked()).toBeLessThan(10)
  })
})

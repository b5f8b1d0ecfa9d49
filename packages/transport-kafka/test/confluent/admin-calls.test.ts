import { expect, test } from 'vitest'
import { AdminCalls } from '../../src/confluent/admin-calls.ts'
import type { Callback, RawClient, RawMetadata, RawModule, RawTopicPartition } from '../../src/confluent/raw-api.ts'
import { UnderWay } from '../../src/confluent/under-way.ts'

const at = { topic: 't', partition: 0 }

function open(answers: readonly number[]) {
  let asked = 0
  const admin = {
    listOffsets: (_: unknown, __: unknown, callback: Callback<readonly RawTopicPartition[]>) =>
      callback(null, [{ ...at, offset: answers[asked++] ?? 0 }]),
  }
  const library = { AdminClient: { createFrom: () => admin }, OffsetSpec: class {}, IsolationLevel: {} } as unknown as RawModule
  const client = {
    getMetadata: (_: unknown, callback: Callback<RawMetadata>) => callback(null, { topics: [] }),
  } as unknown as RawClient
  return new AdminCalls({ library, client, asking: new UnderWay(), timeoutMs: 1_000 })
}

test('a partition about which nothing was told, for which the library gives a number as if it had been, is asked for again', async () => {
  const calls = open([-1001, 5])
  expect(await calls.listOffsets([at], 'end', 'read-uncommitted')).toEqual([{ ...at, offset: 5 }])
})

test('a time that no record has reached is answered', async () => {
  expect(await open([-1]).listOffsets([at], Date.now(), 'read-uncommitted')).toEqual([{ ...at, offset: -1 }])
})

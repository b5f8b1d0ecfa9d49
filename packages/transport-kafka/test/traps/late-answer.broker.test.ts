import { describe, expect, test } from 'vitest'
import { Cluster } from '../support/cluster.ts'

/** Past every limit that a request has here, and what is granted on top. */
const STILL_MS = 2_800
const COUNT = 60_000

describe.each(['confluent', 'packed'] as const)('with the client %s', (client) => {
  test('records that were on their way when the process stood still for longer than a request may take are read, in order', async () => {
    await using cluster = new Cluster({ client, requestTimeoutMs: 100 })
    await using writing = new Cluster({ client })
    const topic = await writing.topic()
    await writing.writeNumbers(topic, COUNT)
    const source = await cluster.source({ maxPollRecords: 500 })
    await source.assign([{ topic, partition: 0, offset: 0 }])
    const offsets: number[] = []
    const deadline = performance.now() + 40_000
    for (let polls = 0; offsets.length < COUNT && performance.now() < deadline; polls++) {
      for (const batch of (await source.poll(100)).batches) offsets.push(...Array.from(batch.offsets))
      // The fetch that follows a poll has begun by then, and has not been answered: the answer would come with the next turn.
      if (polls === 5 || polls === 20 || polls === 40)
        setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STILL_MS))
    }
    expect(offsets).toEqual(Array.from({ length: COUNT }, (_, i) => i))
  })
})

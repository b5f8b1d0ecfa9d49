import { describe, expect, test } from 'vitest'
import { defineApp, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { inMemory, memory } from 'millrace/memory'
import { deferred } from './support/deferred.ts'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const pair = { key: serdes.string, value: serdes.int32 }

describe('bounded-memory', () => {
  test('reading stops when enough waits, and goes on when there is room; a partition with work to do is never starved', async () => {
    await using folder = await temporaryFolder()
    const transport = memory()
    await using log = await LogClient.open(transport)
    await log.createTopics({ in: 2, out: 2 })
    const builder = new TopologyBuilder('slow')
    let processed = 0
    let mostWaiting = 0
    let read = 0
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const quick: number[] = []
    builder
      .source('in', { topics: ['in'], ...pair })
      .process('wait', async (record, context) => {
        // Partition 0 stands still until partition 1 has done all its work.
        if (context.partition === 0) await gate
        else if (quick.push(record.value) === 1_000) release()
        processed++
        context.forward(record)
      })
      .sink('out', { topic: 'out', ...pair })
    const app = await start(
      defineApp({
        topology: builder.build(),
        applicationId: 'bounded',
        transport: {
          ...transport,
          name: 'counting',
          openWriter: (...parameters) => transport.openWriter(...parameters),
          openAdmin: (...parameters) => transport.openAdmin(...parameters),
          openSource: async (...parameters) => {
            const source = await transport.openSource(...parameters)
            const poll = source.poll.bind(source)
            source.poll = async (maxWaitMs) => {
              const result = await poll(maxWaitMs)
              for (const { length } of result.batches) read += length
              mostWaiting = Math.max(mostWaiting, read - processed)
              return result
            }
            return source
          },
        },
        stateDir: folder.path,
        logger: silentLogger,
        batch: { size: 10, timeoutMs: 1 },
        buffer: { maxRecords: 200 },
      }),
    )
    const running = app.run()
    for (const partition of [0, 1]) {
      await log.write(
        'in',
        pair,
        Array.from({ length: 1_000 }, (_, value) => ({ key: 'k', value, partition })),
      )
    }
    await app.caughtUp()
    await app.close()
    await running
    expect(quick).toEqual(Array.from({ length: 1_000 }, (_, i) => i))
    expect(processed).toBe(2_000)
    // The bound, and one poll (half of it) that was asked for below the bound, and the batches in hand.
    expect(mostWaiting).toBeLessThanOrEqual(200 + 100 + 20)
  })

  test('a pass that gathers too much is run again on half of its records, until it fits', async () => {
    await using folder = await temporaryFolder()
    const transport = memory()
    await using log = await LogClient.open(transport)
    await log.createTopics({ in: 1, out: 1 })
    const builder = new TopologyBuilder('fan-out')
    const sizes: number[] = []
    builder
      .source('in', { topics: ['in'], ...pair })
      .processBatch<string, number>('fan-out', (batch, context) => {
        for (const record of batch) for (let copy = 0; copy < 100; copy++) context.forward({ ...record, value: record.value * 100 + copy })
      })
      .sink('out', { topic: 'out', ...pair })
    const app = await start(
      defineApp({
        topology: builder.build(),
        applicationId: 'fan-out',
        transport,
        stateDir: folder.path,
        logger: silentLogger,
        batch: { size: 64, timeoutMs: 1 },
        buffer: { maxOutputBytes: 50_000 },
        observer: (event) => {
          if (event.type === 'cut') sizes.push(event.records)
        },
      }),
    )
    await log.write(
      'in',
      pair,
      Array.from({ length: 64 }, (_, value) => ({ key: 'k', value })),
    )
    const running = app.run()
    await app.caughtUp()
    await app.close()
    await running
    expect(Math.max(...sizes)).toBeLessThanOrEqual(8)
    expect((await log.readAll('out', pair)).map(({ value }) => value)).toEqual(Array.from({ length: 6_400 }, (_, i) => i))
  })

  test('state that waits for a commit stops the passes of its task, and they go on once it is written', async () => {
    await using folder = await temporaryFolder()
    const gate = deferred()
    const transport = memory({ faults: { before: ({ type }) => (type === 'flush' ? gate.promise : undefined) } })
    await using log = await LogClient.open(transport)
    await log.createTopics({ in: 1 })
    const blobs = { key: serdes.string, value: serdes.bytes }
    const kept = inMemory.keyValueStore({ name: 'kept', ...blobs })
    let processed = 0
    const builder = new TopologyBuilder('keep')
    builder.source('in', { topics: ['in'], ...blobs }).process<never, never>(
      'keep',
      (record, context) => {
        context.store(kept).set(record.key, record.value)
        processed++
      },
      { stores: [kept] },
    )
    const records = 500
    const maxUncommittedBytes = 64 * 1_024
    const app = await start(
      defineApp({
        topology: builder.build(),
        applicationId: 'bounded',
        transport,
        stateDir: folder.path,
        logger: silentLogger,
        batch: { size: 10, timeoutMs: 1 },
        commit: { maxUncommittedBytes },
      }),
    )
    const running = app.run()
    const value = new Uint8Array(4_096)
    // The writer of this is not held up: nothing of it is waited for.
    void log.write(
      'in',
      blobs,
      Array.from({ length: records }, (_, i) => ({ key: `k${i}`, value })),
    )
    let last = -1
    await expect
      .poll(
        () => {
          const stands = processed > 0 && processed === last
          last = processed
          return stands
        },
        { interval: 100 },
      )
      .toBe(true)
    // What is being committed, as much again, and the pass that went beyond it.
    expect(processed * value.byteLength).toBeLessThanOrEqual(2 * maxUncommittedBytes + 10 * value.byteLength)
    gate.resolve()
    await app.caughtUp()
    expect(processed).toBe(records)
    await app.close()
    await running
  })

  test('state that init has filled asks for its commit itself', async () => {
    await using folder = await temporaryFolder()
    const transport = memory()
    await using log = await LogClient.open(transport)
    await log.createTopics({ in: 1 })
    const kept = inMemory.keyValueStore({ name: 'kept', ...pair })
    let processed = 0
    const builder = new TopologyBuilder('keep')
    builder.source('in', { topics: ['in'], ...pair }).process<never, never>('keep', {
      create: () => ({
        init: (context) => context.store(kept).set('first', 1),
        process: () => {
          processed++
        },
      }),
      stores: [kept],
    })
    const app = await start(
      defineApp({
        topology: builder.build(),
        applicationId: 'bounded',
        transport,
        stateDir: folder.path,
        logger: silentLogger,
        commit: { intervalMs: 3_600_000, maxUncommittedBytes: 1 },
      }),
    )
    const running = app.run()
    await log.write('in', pair, [{ key: 'k', value: 1 }])
    await expect.poll(() => processed).toBe(1)
    await app.close()
    await running
  })
})

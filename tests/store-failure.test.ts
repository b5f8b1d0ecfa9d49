import { describe, expect, test } from 'vitest'
import { completeBackend, MillraceError, type SingleOperationBackend } from '@millrace/core'
import { defineApp, defineKeyValueStore, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { memory } from 'millrace/memory'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const numbers = { key: serdes.string, value: serdes.int32 }

/** A store that can't read one entry. */
function failingStore(bad: string, error: Error) {
  const backend: SingleOperationBackend = {
    capabilities: { access: 'async', persistent: false },
    get: async (key) => {
      if (Buffer.from(key).toString() === bad) throw error
      return undefined
    },
    set: async () => undefined,
    delete: async () => undefined,
    async *rows() {
      // It is never scanned.
    },
  }
  return defineKeyValueStore({ name: 'failing', ...numbers, access: 'async', open: async () => completeBackend(backend) })
}

const unreadable = new MillraceError('STORE_READ_FAILED', 'Too many open files.', { stage: 'store' })

describe('a store that can not be read', () => {
  test.each([
    ['skip', unreadable],
    ['dead-letter', unreadable],
    ['skip', new Error('the processor says why', { cause: unreadable })],
  ] as const)(
    'is no failure of the records, also with policy %s: the application stops, and none of them is committed',
    async (policy, error) => {
      await using folder = await temporaryFolder()
      const transport = memory()
      await using log = await LogClient.open(transport)
      await log.createTopics({ in: 1, out: 1, dead: 1 })
      const store = failingStore('k2', error)
      const builder = new TopologyBuilder('failing')
      builder
        .source('in', { topics: ['in'], ...numbers })
        .process<string, number>('work', {
          create: () => ({
            async processBatch(batch, context) {
              await context.store(store).getBatch(batch.keys)
              context.forwardBatch({ keys: batch.keys, values: batch.values })
            },
          }),
          stores: [store],
        })
        .sink('out', { topic: 'out', ...numbers })
      await log.write(
        'in',
        numbers,
        [0, 1, 2, 3].map((value) => ({ key: `k${value}`, value })),
      )
      const app = await start(
        defineApp({
          topology: builder.build(),
          applicationId: 'failing',
          transport,
          stateDir: folder.path,
          logger: silentLogger,
          batch: { size: 1, maxRetries: 0 },
          failure: { process: policy, deadLetter: { topic: 'dead' } },
        }),
      )
      await expect(app.run()).rejects.toThrow(/Too many open files|the processor says why/)
      expect(await log.committed('failing', 'in')).toEqual([2])
      expect(await log.readAll('dead', numbers)).toEqual([])
    },
  )
})

test('a store without a changelog over a backend that can not write atomically stops the application when it is opened', async () => {
  await using folder = await temporaryFolder()
  const transport = memory()
  await using log = await LogClient.open(transport)
  await log.createTopics({ in: 1 })
  const rows = new Map<string, Uint8Array>()
  const backend: SingleOperationBackend = {
    capabilities: { access: 'sync', persistent: true },
    get: (key) => rows.get(String(key)),
    set: (key, value) => void rows.set(String(key), value),
    delete: (key) => void rows.delete(String(key)),
    rows: () => [],
  }
  const open = async () => completeBackend(backend)
  const counts = defineKeyValueStore({ name: 'counts', ...numbers, access: 'sync', changelog: false, open })
  const builder = new TopologyBuilder('unlogged')
  builder.source('in', { topics: ['in'], ...numbers }).process<string, number>('count', {
    create: () => ({ process: (record, context) => context.store(counts).set(record.key, record.value) }),
    stores: [counts],
  })
  await log.write('in', numbers, [{ key: 'a', value: 1 }])
  const app = await start(
    defineApp({ topology: builder.build(), applicationId: 'unlogged', transport, stateDir: folder.path, logger: silentLogger }),
  )
  await expect(app.run()).rejects.toMatchObject({
    code: 'STORE_NOT_ATOMIC',
    message: expect.stringContaining("Store 'counts' has no changelog, and its backend's writes are not atomic") as unknown,
  })
  expect(rows.size).toBe(0)
})

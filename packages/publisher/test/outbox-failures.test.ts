import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MillraceError, silentLogger, type StoreBackend } from '@millrace/core'
import { openLevelDb } from '@millrace/store-leveldb'
import type { MemoryOperation } from '@millrace/transport-memory'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { backendWith } from './support/backend-with.ts'
import { publishing, settle, threeTopics } from './support/publishing.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-outbox-failures-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const outbox = () => ({ folder: join(folder, 'outbox'), open: openLevelDb })
const stuck = { before: (operation: MemoryOperation) => (operation.type === 'send' ? new Promise<void>(() => undefined) : undefined) }
const refusal = (code: string, retryable = false) => new MillraceError(code, 'No.', { stage: 'sink', retryable })

/** Payload numbers of what is in the outbox, in its order, told by sending it. */
async function left(): Promise<number[]> {
  const { publisher, read } = await publishing({ events: threeTopics, outbox: outbox() })
  await publisher.stored()
  await publisher.forceFlush()
  await publisher.close()
  return (await read('a')).map(({ payload }) => payload.n)
}

describe('what has an outbox', () => {
  test('can not be sent while the outbox has something else in it, which is named; who tries again finds it closed', async () => {
    const backend = await openLevelDb({ name: 'outbox', folder: outbox().folder })
    await backend.write([{ key: Buffer.from('00000001'), value: Buffer.from('garbage') }])
    await backend.close()
    for (let i = 0; i < 2; i++) {
      const { publisher, closeNow } = await publishing({ events: threeTopics, outbox: outbox() })
      await expect(publisher.publish('a', { n: 1 })).rejects.toMatchObject({
        code: 'OUTBOX_UNAVAILABLE',
        message: expect.stringContaining("outbox' can't be opened: its entry 0x3030303030303031 (7 bytes) is no event") as unknown,
      })
      await closeNow()
    }
  })

  test('is given up for nothing but itself: not for a writer that can not be opened, nor for a topic that is not there', async () => {
    let openings = 0
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type === 'open-writer' && ++openings < 4) throw refusal('KAFKA_AUTHENTICATION')
      },
    }
    const { publisher, advance, read, transport } = await publishing({ events: threeTopics, outbox: outbox(), faults, missing: 'b' })
    const a = publisher.publish('a', { key: 'k', n: 1 })
    const b = publisher.publish('b', { key: 'k', n: 2 })
    await publisher.stored()
    for (let i = 0; i < 5; i++) await advance(30_000)
    const admin = await transport.openAdmin({ logger: silentLogger })
    await admin.createTopics([{ topic: 'b', partitions: 2 }])
    for (let i = 0; i < 5; i++) await advance(30_000)
    expect(await a).toMatchObject({ topic: 'a' })
    expect(await b).toMatchObject({ topic: 'b' })
    expect(await read('b')).toHaveLength(1)
    expect(publisher.getBatchStatus().degraded).toBe(false)
    await publisher.close()
  })

  test('whose fate is unknown is sent again before anything else of its key, whatever the error says', async () => {
    let lost = true
    const faults = {
      after(operation: MemoryOperation) {
        if (operation.type !== 'send' || !lost) return
        lost = false
        throw refusal('KAFKA_ERROR')
      },
    }
    const { publisher, advance, read } = await publishing({ events: threeTopics, outbox: outbox(), faults, batch: { size: 1 } })
    const first = publisher.publish('a', { key: 'k', n: 1 })
    await publisher.stored()
    await settle()
    const second = publisher.publish('a', { key: 'k', n: 2 })
    await publisher.stored()
    await advance(200)
    await Promise.all([first, second])
    expect((await read('a')).map(({ payload }) => payload.n)).toEqual([1, 1, 2])
    await publisher.close()
  })

  test('is on disk when stored() says so, also what waits for room', async () => {
    const { publisher, closeNow } = await publishing({
      events: threeTopics,
      outbox: outbox(),
      faults: stuck,
      buffer: { maxEvents: 2 },
      batch: { size: 1 },
    })
    for (const n of [1, 2, 3, 4]) void publisher.publish('a', { key: 'k', n })
    await publisher.stored()
    expect(publisher.getBatchStatus().waitingForRoom).toBe(2)
    expect((await closeNow()).unsent.map(({ kept }) => kept)).toEqual([true, true, true, true])
    expect(await left()).toEqual([1, 2, 3, 4])
  })

  test('and waits to be tried again is among what closing leaves', async () => {
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type === 'send') throw refusal('KAFKA_ERROR', true)
      },
    }
    const { publisher, closeNow, advance } = await publishing({ events: threeTopics, outbox: outbox(), faults, batch: { size: 2 } })
    const published = Promise.allSettled([1, 2].map((n) => publisher.publish('a', { key: 'k', n }, { id: `${n}` })))
    await publisher.stored()
    await advance(0)
    expect(publisher.metrics().batch.retries_total).toBe(1)
    expect((await closeNow()).unsent).toEqual([1, 2].map((n) => ({ id: `${n}`, type: 'a', topic: 'a', outcome: 'refused', kept: true })))
    expect(await published).toMatchObject([1, 2].map(() => ({ status: 'rejected', reason: { outcome: 'refused', kept: true } })))
  })

  test('stays within its bounds however often it is opened while nothing can be sent', async () => {
    const counts: number[] = []
    for (let opening = 0; opening < 4; opening++) {
      const { publisher, closeNow } = await publishing({ events: threeTopics, outbox: outbox(), faults: stuck, buffer: { maxEvents: 6 } })
      const early = [1, 2, 3, 4].map((n) => publisher.publish('a', { key: `k${n}`, n }))
      await publisher.stored()
      const published = Promise.allSettled([...early, ...Array.from({ length: 20 }, (_, n) => publisher.publish('b', { n }))])
      await publisher.stored()
      const { unsent } = await closeNow()
      counts.push(unsent.filter(({ kept }) => kept).length)
      const settled = await published
      const codes = settled.map((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : 'written'))
      expect(codes).toContain('BUFFER_FULL')
    }
    // As many may wait for room as there is room for.
    expect(counts.every((count) => count <= 12)).toBe(true)
    expect(counts.slice(1)).toEqual([counts[1], counts[1], counts[1]])
  })

  test('is not called kept when it could not be written, and nothing more is taken', async () => {
    const open = async (options: Parameters<typeof openLevelDb>[0]) => {
      const backend = await openLevelDb(options)
      let writes = 0
      const write: StoreBackend['write'] = async (changes) => {
        if (++writes > 1) throw new Error('ENOSPC: no space left on device')
        await backend.write(changes)
      }
      return backendWith(backend, { write })
    }
    const { publisher, closeNow } = await publishing({
      events: threeTopics,
      outbox: { ...outbox(), open },
      faults: stuck,
      batch: { size: 1 },
    })
    void publisher.publish('a', { key: 'k', n: 1 })
    await publisher.stored()
    const unkept = publisher.publish('a', { key: 'k', n: 2 })
    await expect(publisher.stored()).rejects.toMatchObject({ code: 'OUTBOX_UNAVAILABLE' })
    await expect(publisher.publish('a', { n: 3 })).rejects.toThrow("can't be written: ENOSPC")
    expect((await closeNow()).unsent.map(({ kept }) => kept)).toEqual([true, false])
    await expect(unkept).rejects.toMatchObject({ outcome: 'not-sent', kept: false })
    expect(await left()).toEqual([1])
  })

  test('does not pile up while a write of the disk hangs and Kafka is well', async () => {
    let goOn: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      goOn = () => resolve()
    })
    const writes: number[] = []
    const open = async (options: Parameters<typeof openLevelDb>[0]) => {
      const backend = await openLevelDb(options)
      const write: StoreBackend['write'] = async (changes) => {
        writes.push(changes.length)
        if (writes.length === 1) await gate
        await backend.write(changes)
      }
      return backendWith(backend, { write })
    }
    const { publisher, read } = await publishing({
      events: threeTopics,
      outbox: { ...outbox(), open },
      buffer: { maxEvents: 50 },
      batch: { size: 10 },
    })
    for (let round = 0; round < 30; round++)
      await publisher.publishBatch(Array.from({ length: 10 }, (_, i) => ({ type: 'a', payload: { key: 'k', n: 10 * round + i } })))
    const stored = publisher.stored()
    goOn()
    await stored
    expect(await read('a')).toHaveLength(300)
    await publisher.close()
    // What was kept in the write that hung is forgotten by the next; of the rest there is nothing to say.
    expect(writes[0]).toBe(10)
    expect(writes.slice(1)).toEqual([10])
    expect(await left()).toEqual([])
  })

  test('and is closed while that is being opened ends in time, and leaves it as it is', async () => {
    const before = await publishing({ events: threeTopics, outbox: outbox(), faults: stuck })
    void before.publisher.publish('a', { key: 'k', n: 1 })
    await before.publisher.stored()
    await before.closeNow()
    let goOn: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      goOn = () => resolve()
    })
    const open = async (options: Parameters<typeof openLevelDb>[0]) => {
      await gate
      return openLevelDb(options)
    }
    const { publisher, advance, sends } = await publishing({ events: threeTopics, outbox: { ...outbox(), open } })
    const early = publisher.publish('a', { key: 'k', n: 2 })
    await advance(300)
    void publisher.publish('a', { key: 'k', n: 3 })
    // What waits for that is pending as anything else is.
    const { buffered_bytes: pendingBytes } = publisher.metrics().batch
    expect(pendingBytes).toBeGreaterThan(2 * '{"key":"k","n":2}'.length)
    expect(publisher.getBatchStatus()).toMatchObject({ pendingEvents: 2, pendingBytes, oldestAgeMs: 300, inFlight: 0 })
    const closing = publisher.close({ timeoutMs: 1_000 })
    await advance(1_000)
    for (let i = 0; i < 3; i++) await advance(1_000)
    const notSent = { outcome: 'not-sent', kept: false }
    expect(await closing).toEqual({ unsent: [notSent, notSent].map((one) => expect.objectContaining(one) as object) })
    expect(publisher.getBatchStatus()).toMatchObject({ pendingEvents: 0, pendingBytes: 0, oldestAgeMs: 0, inFlight: 0 })
    await expect(early).rejects.toMatchObject({ outcome: 'not-sent', kept: false })
    goOn()
    // The folder is free again once it is closed.
    await expect.poll(left, { timeout: 60_000 }).toEqual([1])
    expect(sends).toEqual([])
  }, 90_000)

  test('does not have transactions tried without end', async () => {
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type === 'begin') throw refusal('KAFKA_ERROR', true)
      },
    }
    const { publisher, advance } = await publishing({ events: threeTopics, outbox: outbox(), faults, transactionalId: 't' })
    await publisher.stored()
    const transaction = publisher.publishTransaction([{ type: 'a', payload: { key: 'k', n: 1 } }])
    const settled = Promise.allSettled([transaction])
    for (let i = 0; i < 4; i++) await advance(1_000)
    expect(await settled).toMatchObject([{ status: 'rejected', reason: { code: 'TRANSACTION_FAILED', outcome: 'refused' } }])
    await publisher.close()
  })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OpenStoreBackend } from '@millrace/core'
import { openLevelDb } from '@millrace/store-leveldb'
import type { MemoryOperation } from '@millrace/transport-memory'
import { expect, test } from 'vitest'
import { backendWith } from './support/backend-with.ts'
import { publishing, settle, threeTopics } from './support/publishing.ts'

test('the wait of forceFlush ends in time, or by a signal; what it waits for is sent all the same', async () => {
  let answer: () => void = () => undefined
  const gate = new Promise<void>((resolve) => {
    answer = resolve
  })
  const faults = { before: (operation: MemoryOperation) => (operation.type === 'send' ? gate : undefined) }
  const { publisher, advance } = await publishing({ events: threeTopics, faults })
  const published = publisher.publish('a', { n: 1 })
  const limited = publisher.forceFlush({ timeoutMs: 1_000 })
  const controller = new AbortController()
  const aborted = publisher.forceFlush({ signal: controller.signal })
  const both = publisher.forceFlush({ signal: new AbortController().signal, timeoutMs: 60_000 })
  let ended = 0
  const count = () => void ended++
  limited.catch(count)
  aborted.catch(count)
  await advance(999)
  expect(ended).toBe(0)
  await advance(1)
  await expect(limited).rejects.toMatchObject({
    code: 'TIMED_OUT',
    retryable: true,
    message: expect.stringContaining('forceFlush') as string,
  })
  expect(ended).toBe(1)
  controller.abort(new Error('the request is gone'))
  await expect(aborted).rejects.toThrow('the request is gone')
  await expect(publisher.forceFlush({ signal: controller.signal })).rejects.toThrow('the request is gone')
  await expect(publisher.forceFlush({ timeoutMs: -1 })).rejects.toThrow('timeoutMs of forceFlush is -1')
  await expect(publisher.forceFlush({ signal: 5 as never })).rejects.toThrow('signal of forceFlush is 5; use an AbortSignal')
  answer()
  expect(await published).toMatchObject({ topic: 'a' })
  await both
  await publisher.close()
})

test('the wait of stored ends in time, or by a signal', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-waits-'))
  let write: () => void = () => undefined
  const gate = new Promise<void>((resolve) => {
    write = resolve
  })
  const open: OpenStoreBackend = async (options) => {
    const backend = await openLevelDb(options)
    return backendWith(backend, {
      async write(batch) {
        await gate
        await backend.write(batch)
      },
    })
  }
  const { publisher, advance, closeNow } = await publishing({ events: threeTopics, outbox: { folder, open } })
  void publisher.publish('a', { n: 1 })
  await settle()
  const limited = Promise.allSettled([publisher.stored({ timeoutMs: 50 })])
  const stored = publisher.stored()
  await advance(50)
  expect(await limited).toMatchObject([{ status: 'rejected', reason: { code: 'TIMED_OUT' } }])
  const reason = new Error('not wanted any more')
  await expect(publisher.stored({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  write()
  await stored
  await closeNow()
  rmSync(folder, { recursive: true, force: true })
})

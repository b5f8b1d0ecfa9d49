import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MillraceError, silentLogger } from '@millrace/core'
import { createPublisher, event } from '@millrace/publisher'
import { openLevelDb } from '@millrace/store-leveldb'
import { memory, type MemoryOperation } from '@millrace/transport-memory'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { publishing, readTopic, settle, threeTopics } from './support/publishing.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-outbox-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const outbox = () => ({ folder: join(folder, 'outbox'), open: openLevelDb })
const program = fileURLToPath(new URL('./programs/outbox-writer.ts', import.meta.url))

/** Runs the program until it says `word`, then kills it. */
async function runUntil(word: string, from: number, mode: 'away' | 'there'): Promise<void> {
  const options = ['--import', 'tsx', '--conditions=@millrace/source', program]
  const child = spawn(process.execPath, [...options, join(folder, 'outbox'), join(folder, 'log'), String(from), '50', mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  let said = ''
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    said += chunk.toString()
    if (said.includes(word)) break
  }
  child.kill('SIGKILL')
  await ended
  expect(said).toContain(word)
}

describe('an outbox', () => {
  test('has what a killed process could not send: the next one sends it, first and in order', async () => {
    const transport = memory({ folder: join(folder, 'log') })
    const admin = await transport.openAdmin({ logger: silentLogger })
    await admin.createTopics([{ topic: 'a', partitions: 2 }])
    await admin.close()
    await runUntil('stored', 0, 'away')
    await runUntil('stored', 50, 'away')
    await runUntil('closed', 100, 'there')
    const records = await readTopic(transport, 'a')
    expect(new Set(records.map(({ headers }) => headers['millrace-event-id'])).size).toBe(150)
    for (const key of ['k0', 'k1', 'k2']) {
      const numbers = records.filter(({ payload }) => payload.key === key).map(({ payload }) => payload.n)
      expect(numbers).toEqual(Array.from({ length: 150 }, (_, n) => n).filter((n) => `k${n % 3}` === key))
    }
    // What is acknowledged is kept no longer.
    const { publisher, sends } = await publishing({ events: threeTopics, outbox: outbox() })
    await publisher.stored()
    expect(publisher.getBatchStatus().pendingEvents).toBe(0)
    await publisher.close()
    expect(sends).toEqual([])
  }, 60_000)

  test('keeps what closing leaves, and says so; what is published while it is opened comes behind what it has', async () => {
    const faults = { before: (operation: MemoryOperation) => (operation.type === 'send' ? new Promise<void>(() => undefined) : undefined) }
    const first = await publishing({ events: threeTopics, outbox: outbox(), faults, batch: { size: 2 } })
    const left = Promise.allSettled([1, 2, 3].map((n) => first.publisher.publish('a', { key: 'k', n })))
    await first.publisher.stored()
    await settle()
    expect(await first.closeNow()).toMatchObject({ unsent: [{ kept: true }, { kept: true }, { kept: true }] })
    expect(await left).toMatchObject([1, 2, 3].map(() => ({ status: 'rejected', reason: { kept: true } })))
    const second = await publishing({ events: threeTopics, outbox: outbox() })
    void second.publisher.publish('a', { key: 'k', n: 4 })
    await second.publisher.stored()
    await second.publisher.forceFlush()
    expect((await second.read('a')).map(({ payload }) => payload.n)).toEqual([1, 2, 3, 4])
    await second.publisher.close()
  })

  test('that is being opened holds up no forced flush: what it has goes with that', async () => {
    const faults = { before: (operation: MemoryOperation) => (operation.type === 'send' ? new Promise<void>(() => undefined) : undefined) }
    const first = await publishing({ events: threeTopics, outbox: outbox(), faults })
    void first.publisher.publish('a', { key: 'k', n: 1 })
    await first.publisher.stored()
    await first.closeNow()
    const { publisher, read } = await publishing({ events: threeTopics, outbox: outbox() })
    void publisher.publish('a', { key: 'other', n: 2 })
    await publisher.forceFlush()
    expect(new Set((await read('a')).map(({ payload }) => payload.n))).toEqual(new Set([1, 2]))
    await publisher.close()
  })

  test('has events tried without end, unless they are refused for good: those it forgets', async () => {
    let failures = 12
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type === 'send' && failures-- > 0) throw new MillraceError('TIMED_OUT', 'away', { stage: 'sink', retryable: true })
      },
    }
    const topicConfig = { 'max.message.bytes': '100' }
    const { publisher, advance } = await publishing({
      events: threeTopics,
      outbox: outbox(),
      faults,
      topicConfig,
      deliveryTimeoutMs: 1_000,
    })
    const good = publisher.publish('a', { n: 1 })
    const large = publisher.publish('a', { n: 2, pad: 'x'.repeat(200) })
    const refused = large.catch((error: unknown) => error)
    await publisher.stored()
    for (let i = 0; i < 20; i++) await advance(30_000)
    expect(await good).toMatchObject({ topic: 'a' })
    expect(await refused).toMatchObject({ code: 'RECORD_TOO_LARGE', kept: false })
    await publisher.close()
    const { publisher: next } = await publishing({ events: threeTopics, outbox: outbox() })
    await next.stored()
    expect(next.getBatchStatus().pendingEvents).toBe(0)
    await next.close()
  })

  test('that another publisher has open is a clear error, and nothing is taken without it', async () => {
    const { publisher: first } = await publishing({ events: threeTopics, outbox: outbox() })
    await first.stored()
    const { publisher: second } = await publishing({ events: threeTopics, outbox: outbox() })
    await expect(second.publish('a', { n: 1 })).rejects.toMatchObject({ code: 'OUTBOX_UNAVAILABLE', outcome: 'not-sent' })
    await expect(second.publish('a', { n: 1 })).rejects.toThrow(
      'another publisher has it open, in this process or another: give each a folder of its own',
    )
    await expect(second.stored()).rejects.toMatchObject({ code: 'OUTBOX_UNAVAILABLE' })
    await Promise.all([first.close(), second.close()])
  })

  test('is asked for by name: stored() without one is a mistake', async () => {
    const publisher = createPublisher({ transport: memory(), events: { a: event({ topic: 'a' }) }, environment: {} })
    await expect(publisher.stored()).rejects.toThrow('needs the option outbox')
  })
})

import { describe, expect, test } from 'vitest'
import { type RecordWriter, viewColumn, type WriteBatch } from '@millrace/core'
import { OutputQueue, OutputQueueClosed } from '../../src/sink/output-queue.ts'

/** Hands each write to the test, which lets it go on or fail. */
class HeldWriter {
  readonly started: string[] = []
  #release: ((error?: Error) => void)[] = []

  readonly writer = {
    writeBatch: (batch: WriteBatch) =>
      new Promise<void>((resolve, reject) => {
        this.started.push(batch.topic)
        this.#release.push((error) => (error === undefined ? resolve() : reject(error)))
      }),
  } as unknown as RecordWriter

  async next(error?: Error): Promise<void> {
    this.#release.shift()?.(error)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function output(topic: string, bytes = 10) {
  const empty = viewColumn([])
  return { writes: [{ topic, length: 0, keys: empty, values: empty, timestamps: [] }], bytes }
}

const running = { state: 'running' }

describe('the output queue', () => {
  test('drops what is queued of a task once it is closed', async () => {
    const held = new HeldWriter()
    const queue = new OutputQueue(held.writer, 25, () => undefined)
    const leaving = { state: 'running' }
    queue.append(output('a'), leaving)
    queue.append(output('b'), leaving)
    queue.append(output('c'), running)
    leaving.state = 'closed'
    expect(queue.full).toBe(true)
    await held.next()
    expect(held.started).toEqual(['a', 'c'])
    expect(queue.full).toBe(false)
    await held.next()
    await queue.barrier()
  })

  test('writes in order, one at a time', async () => {
    const held = new HeldWriter()
    const queue = new OutputQueue(held.writer, 1_000, () => undefined)
    queue.append(output('a'), running)
    queue.append(output('b'), running)
    expect(held.started).toEqual(['a'])
    await held.next()
    expect(held.started).toEqual(['a', 'b'])
  })

  test('a barrier resolves when all before it is written, and holds back what comes after until it is released', async () => {
    const held = new HeldWriter()
    const queue = new OutputQueue(held.writer, 1_000, () => undefined)
    queue.append(output('before'), running)
    let passed = false
    const barrier = queue.barrier().then(() => {
      passed = true
    })
    queue.append(output('after'), running)
    expect(passed).toBe(false)
    await held.next()
    await barrier
    expect(held.started).toEqual(['before'])
    queue.release()
    expect(held.started).toEqual(['before', 'after'])
  })

  test('is full at its bound and has room again once enough is written', async () => {
    const held = new HeldWriter()
    const queue = new OutputQueue(held.writer, 15, () => undefined)
    queue.append(output('a'), running)
    queue.append(output('b'), running)
    expect(queue.full).toBe(true)
    let room = false
    const waiting = queue.room().then(() => {
      room = true
    })
    await Promise.resolve()
    expect(room).toBe(false)
    await held.next()
    await waiting
    expect(queue.full).toBe(false)
  })

  test('when a write fails everything waiting is rejected, the failure is told once, and later output is dropped', async () => {
    const held = new HeldWriter()
    const failures: unknown[] = []
    const queue = new OutputQueue(held.writer, 5, (error) => failures.push(error))
    queue.append(output('a'), running)
    queue.append(output('b'), running)
    const room = queue.room().catch((error: unknown) => error)
    const barrier = queue.barrier().catch((error: unknown) => error)
    const broken = new Error('disk on fire')
    await held.next(broken)
    for (const waiting of [await room, await barrier]) expect(waiting).toBeInstanceOf(OutputQueueClosed)
    queue.append(output('c'), running)
    expect(failures).toEqual([broken])
    expect(held.started).toEqual(['a'])
  })
})

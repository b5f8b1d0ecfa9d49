import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { parallelBatch } from '../src/index.ts'
import type { whichThread } from './modules/functions.mjs'
import { functions, Running, start } from './support/run.ts'

const counter = () => new Int32Array(new SharedArrayBuffer(4))

/** Until a function in a thread has begun to count. */
async function begun(count: Int32Array): Promise<void> {
  while (Atomics.load(count, 0) === 0) await new Promise((resolve) => setImmediate(resolve))
}

describe('the threads of a supplier', () => {
  test('work at the same time on chunks of one batch', async () => {
    await using running = await start('meet', { chunkSize: 1 })
    const gate = counter()
    // Neither call returns before the other has begun.
    const { records, outcome } = await running.run([
      { gate, places: 2 },
      { gate, places: 2 },
    ])
    expect(outcome).toBeUndefined()
    expect(new Set(records.map(([, thread]) => thread)).size).toBe(2)
  })

  test('have work to the end of a batch by default, in chunks of a quarter of their share', async () => {
    await using running = await start('meet')
    const gate = counter()
    const { outcome } = await running.run(Array.from({ length: 16 }, () => ({ gate, places: 2 })))
    expect(outcome).toBeUndefined()
    expect(Atomics.load(gate, 0)).toBe(16)
  })

  test('are shared by its tasks, and outlive all but the last', async () => {
    const supplier = parallelBatch<typeof whichThread>({ module: functions, export: 'whichThread', threads: 1 })
    const threadOf = async (running: Running) => (await running.run([0])).records[0]?.[1]
    const [one, other] = await Promise.all([Running.start(supplier), Running.start(supplier)])
    const thread = await threadOf(one)
    expect(await threadOf(other)).toBe(thread)
    await one.close()
    await one.close()
    expect(await threadOf(other)).toBe(thread)
    await other.close()
    await using later = await Running.start(supplier)
    expect(await threadOf(later)).not.toBe(thread)
  })

  test('have ended when the last task is closed, whatever they did', async () => {
    const running = await start('endless')
    const counts = [counter(), counter()]
    const batch = running.run(counts)
    batch.catch(() => undefined)
    await Promise.all(counts.map(begun))
    await running.close()
    await expect(batch).rejects.toMatchObject({ code: 'TASK_CLOSED' })
    const before = counts.map((count) => Atomics.load(count, 0))
    for (let turn = 0; turn < 1_000; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(counts.map((count) => Atomics.load(count, 0))).toEqual(before)
    await expect(running.run([null])).rejects.toMatchObject({ code: 'TASK_CLOSED' })
  })

  test('are free for other tasks as soon as the signal of one is aborted', async () => {
    const supplier = parallelBatch({ module: functions, export: 'endless', threads: 2, chunkSize: 1 })
    const [stopped, other] = await Promise.all([Running.start(supplier), Running.start(supplier)])
    const counts = Array.from({ length: 8 }, counter)
    const batch = stopped.run(counts)
    batch.catch(() => undefined)
    await Promise.all(counts.slice(0, 2).map(begun))
    const waiting = other.run([null, null, null])
    const reason = new Error('revoked')
    stopped.abort.abort(reason)
    await expect(batch).rejects.toBe(reason)
    expect((await waiting).records).toHaveLength(3)
    // What waited was dropped.
    expect(counts.slice(2).map((count) => Atomics.load(count, 0))).toEqual([0, 0, 0, 0, 0, 0])
    await Promise.all([stopped.close(), other.close()])
  })

  test('are not started for a task that is to stop', async () => {
    const supplier = parallelBatch({ module: functions, threads: 1 })
    const reason = new Error('revoked')
    await expect(Running.start(supplier, AbortSignal.abort(reason))).rejects.toBe(reason)
  })

  test('do not keep the process from ending', async () => {
    const program = fileURLToPath(new URL('./programs/close-in-flight.ts', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@millrace/source', '--import', 'tsx', program])
    expect(stdout).toBe('idle threads\nclosed in flight: TASK_CLOSED\n')
  })
})

import { MillraceError } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { parallelBatch } from '../src/index.ts'
import { functions, start } from './support/run.ts'

describe('a record that fails', () => {
  test('is named with the original error, and the others are done', async () => {
    await using running = await start('positive', { chunkSize: 2 })
    const { outcome, records } = await running.run([1, -2, 3, 4, 0, 6])
    expect(records).toEqual([1, 3, 4, 6].map((value) => [`k${value - 1}`, value, value - 1]))
    expect(outcome?.failed.map(({ index }) => index)).toEqual([1, 4])
    const error = outcome?.failed[0]?.error as Error
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'ValidationError', message: '-2 is negative', code: 'NEGATIVE' })
    expect(error.stack).toContain('functions.mjs')
    expect(error.cause).toMatchObject({ name: 'RangeError', message: 'below zero' })
    expect(outcome?.failed[1]?.error).toMatchObject({ message: 'zero' })
  })

  test.each([
    ['a string', 'text', "It returned 'text'; return a record { key, value }"],
    ['an object that is no record', { value: 1 }, 'It returned { value: 1 }; return a record'],
    ['a list with something else in it', [{ key: 'a', value: 1 }, 5], 'It returned 5; return a record'],
    ['a timestamp that is none', { key: 'a', value: 1, timestamp: Number.NaN }, 'whose timestamp is NaN; use milliseconds'],
    ['headers that are none', { key: 'a', value: 1, headers: {} }, 'whose headers are {}; use an array'],
  ])('is one for which the function returns %s', async (_name, returned, message) => {
    await using running = await start('asItIs', { threads: 1 })
    const good = { key: 'k', value: 'v' }
    const { outcome, records } = await running.run([good, returned, good])
    expect(records.map(([, , source]) => source)).toEqual([0, 2])
    expect(outcome?.failed).toEqual([
      { index: 1, error: expect.objectContaining({ message: expect.stringContaining(message) as string }) as Error },
    ])
  })

  test('is one that can be copied neither there nor back', async () => {
    await using running = await start('functionInside', { chunkSize: 3 })
    const { outcome, records } = await running.run(['a', 'function', () => 1, 'b', Symbol('s'), 'c'])
    expect(records.map(([, value]) => value)).toEqual(['a', 'b', 'c'])
    expect(outcome?.failed.map(({ index, error }) => [index, (error as Error).message])).toEqual([
      [1, expect.stringContaining("It returned what can't be copied from a thread: () => value could not be cloned")],
      [2, expect.stringContaining("Its key or value can't be copied to a thread: () => 1 could not be cloned")],
      [4, expect.stringContaining("Its key or value can't be copied to a thread")],
    ])
  })
})

describe('a module that cannot be used', () => {
  test.each([
    ['is not there', 'gone.mjs', 'default', ['gone.mjs', 'Cannot find module']],
    ['throws', 'broken.mjs', 'default', ['broken.mjs', 'no licence for the renderer']],
    ['has no such function', 'functions.mjs', 'missing', ["it has no function 'missing': it exports", 'repeat']],
    ['ends the thread', 'exits.mjs', 'default', ['exits.mjs', 'the thread that loaded it died', 'exited with code: 4']],
  ])('fails the start when it %s, with an error that names it', async (_name, file, name, parts) => {
    const starting = start(name, { module: new URL(`./modules/${file}`, import.meta.url), threads: 1 })
    const error = await starting.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(MillraceError)
    expect(error).toMatchObject({ code: 'MODULE_NOT_LOADED', stage: 'process' })
    for (const part of parts) expect((error as Error).message).toContain(part)
  })
})

describe('a thread that dies', () => {
  test.each([
    ['exits', 'exit', 'exited with code: 3'],
    ['needs too much memory', 'memory', 'memory limit'],
  ])('because it %s fails the batch, and the next one is processed', async (_name, value, reason) => {
    await using running = await start('mortal', { chunkSize: 2, maxHeapBytes: 33_554_432 })
    const error = (await running.run(['a', 'b', 'c', value, 'd', 'e']).catch((thrown: unknown) => thrown)) as MillraceError
    expect(error).toBeInstanceOf(MillraceError)
    expect(error).toMatchObject({ code: 'THREAD_DIED', retryable: true, topic: 'in', partition: 2 })
    expect(error.message).toContain('A thread died while it processed in-2, offsets 72 to 73: ')
    expect(error.message).toContain(reason)
    for (let again = 0; again < 3; again++) {
      expect((await running.run(['a', 'b', 'c', 'd', 'e'])).records.map(([, copy]) => copy)).toEqual(['a', 'b', 'c', 'd', 'e'])
    }
  })

  test('is replaced also where it is the only one, and more chunks wait', async () => {
    await using running = await start('mortal', { threads: 1, chunkSize: 1 })
    await expect(running.run(['exit', 'exit', 'a', 'exit'])).rejects.toMatchObject({ code: 'THREAD_DIED' })
    expect((await running.run(['a', 'b'])).records).toHaveLength(2)
  })
})

test('a thread that dies between two batches is told and replaced', async () => {
  await using running = await start('failsLater', { threads: 1 })
  const gate = new Int32Array(new SharedArrayBuffer(4))
  await running.run([gate])
  Atomics.store(gate, 0, 1)
  while (running.warnings.length === 0) await new Promise((resolve) => setImmediate(resolve))
  expect(running.warnings).toEqual([{ module: functions.href, err: expect.objectContaining({ message: 'left behind' }) as Error }])
  expect((await running.run([null])).records).toHaveLength(1)
})

test('all bad options are listed, with their values and what is allowed', () => {
  const bad = { module: './render.js', export: '', threads: 0, chunkSize: 1.5, maxHeapBytes: 5 }
  expect(() => parallelBatch(bad)).toThrow(TypeError)
  expect(() => parallelBatch(bad)).toThrow(
    "parallelBatch: module is './render.js'; use an absolute URL: new URL('./my-function.js', import.meta.url), or import.meta.resolve('a-package'). " +
      "export is ''; use the name of an export. threads is 0; use a whole number from 1 to 1,024. chunkSize is 1.5; use a whole number of at least 1. " +
      'maxHeapBytes is 5; use a whole number of at least 16,777,216.',
  )
  expect(() => parallelBatch({ module: functions.href })).not.toThrow()
})

import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { withLock } from '../setup/lock.mjs'
import { temporaryFolder } from './support/temporary-folder.ts'

test('work under one lock never overlaps', async () => {
  const file = join(temporaryFolder(), 'lock')
  const said: string[] = []
  const events: string[] = []
  let letFirstEnd = (): void => {}
  const firstMayEnd = new Promise<void>((resolve) => (letFirstEnd = resolve))
  const first = withLock(
    file,
    async () => {
      events.push('first starts')
      await firstMayEnd
      events.push('first ends')
    },
    () => {},
  )
  const second = withLock(
    file,
    async () => {
      events.push('second starts')
    },
    (message) => {
      said.push(message)
      letFirstEnd()
    },
  )
  await Promise.all([first, second])
  expect(events).toEqual(['first starts', 'first ends', 'second starts'])
  expect(said).toEqual([expect.stringMatching(`^waiting for another set-up of this checkout, process ${process.pid} `)])
})

test('the lock of a process that died is taken over at once', async () => {
  const file = join(temporaryFolder(), 'lock')
  const said: string[] = []
  const { pid } = spawnSync(process.execPath, ['--version'])
  writeFileSync(file, String(pid))
  const done = await withLock(
    file,
    () => Promise.resolve('done'),
    (message) => said.push(message),
  )
  expect(done).toBe('done')
  expect(said).toEqual([])
})

test('work that fails releases the lock', async () => {
  const file = join(temporaryFolder(), 'lock')
  await expect(
    withLock(
      file,
      () => Promise.reject(new Error('no')),
      () => {},
    ),
  ).rejects.toThrow('no')
  expect(existsSync(file)).toBe(false)
})

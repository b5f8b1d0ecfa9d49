import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { MemoryTransport } from '@millrace/transport-memory'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { logInFolder } from './modules/log-in-folder.ts'
import { readTopic } from './support/publishing.ts'
import { createTopics, isAlive } from './support/with-worker.ts'

let folder = ''
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-orphan-'))
  await createTopics(folder)
})
const pids: number[] = []
afterEach(() => {
  for (const pid of pids.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

const program = fileURLToPath(new URL('./programs/worker-service.ts', import.meta.url))

/** Runs a service until its worker has events, and kills it; its worker's process is left. */
async function orphan(mode: 'pending' | 'stuck' | 'starting') {
  const file = join(folder, `ends-${mode}`)
  const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=@millrace/source', program, folder, file, mode], {
    env: { ...process.env, SAY_BEGUN: 'yes' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = once(child, 'exit')
  let said = ''
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    said += chunk.toString()
    if (said.includes('handed over') && said.includes('worker ')) break
  }
  const pid = Number(/worker (\d+)/.exec(said)?.[1])
  pids.push(pid)
  child.kill('SIGKILL')
  await gone
  return { pid, ends: () => (existsSync(file) ? readFileSync(file, 'utf8') : '') }
}

const patiently = { timeout: 60_000, interval: 50 }

test('the worker of a service that was killed sends what it has, and ends', async () => {
  const { pid, ends } = await orphan('pending')
  await expect.poll(() => isAlive(pid), patiently).toBe(false)
  expect(ends()).toBe(`${pid} ended with 0\n`)
  const written = await readTopic(logInFolder({ folder }) as MemoryTransport, 'a')
  expect(new Set(written.map(({ payload }) => payload.n))).toEqual(new Set([0, 1, 2]))
}, 120_000)

test('the worker of a service that was killed ends by a signal, and in time by itself though it has not begun', async () => {
  const stuck = await orphan('stuck')
  // A signal that comes before it knows that it is alone is for the service.
  await expect
    .poll(() => {
      if (isAlive(stuck.pid)) process.kill(stuck.pid, 'SIGTERM')
      return isAlive(stuck.pid)
    }, patiently)
    .toBe(false)
  expect(stuck.ends()).toBe(`${stuck.pid} ended with 143\n`)
  const starting = await orphan('starting')
  await expect.poll(() => isAlive(starting.pid), patiently).toBe(false)
}, 120_000)

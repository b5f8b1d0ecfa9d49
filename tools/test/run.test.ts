import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { run } from '../run.mjs'
import { temporaryFolder } from './support/temporary-folder.ts'

const runModule = new URL('../run.mjs', import.meta.url).href

test('what a command prints is gathered, and its code handed on', async () => {
  expect(await run('sh', ['-c', 'echo out; echo err >&2; exit 3'])).toEqual({ code: 3, output: 'out\nerr\n' })
})

test('a command that does not exist fails like any other', async () => {
  expect(await run('there-is-no-such-command', [])).toEqual({ code: 127, output: 'spawn there-is-no-such-command ENOENT' })
})

test('what a command has started ends with the process that runs it', async () => {
  const file = join(temporaryFolder(), 'pid')
  const command = `sleep 60 & echo $! > '${file}.partial'; mv '${file}.partial' '${file}'; wait`
  const program = `import { run } from '${runModule}'; process.on('SIGTERM', () => process.exit()); await run('sh', ['-c', ${JSON.stringify(command)}])`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program])
  await vi.waitUntil(() => existsSync(file), { timeout: 5_000 })
  const pid = Number(readFileSync(file, 'utf8'))
  child.kill()
  await once(child, 'close')
  await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false)
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

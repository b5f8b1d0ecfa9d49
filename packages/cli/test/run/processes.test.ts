import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { apps } from '../support/command.ts'
import { type CommandProcess, startCommand } from '../support/command-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** Processes that start on a busy machine take long. */
const PATIENCE = { timeout: 120_000 }

function started(args: readonly string[], variables: Readonly<Record<string, string>> = {}): CommandProcess {
  const command = startCommand(args, { folder: apps, variables: { STATE_DIR: temporaryFolder(), ...variables } })
  // What it leaves behind where it should not.
  onTestFinished(() => {
    for (const { event, pid } of command.events) if (event !== 'ended' && pid !== undefined) kill(pid)
  })
  return command
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone, as it should be.
  }
}

const eventsOf = (command: CommandProcess) => command.events.map(({ event }) => event)

test('the command is killed: its instances drain, and end', PATIENCE, async () => {
  const run = started(['run', 'says.ts', '--json'])
  await expect.poll(() => eventsOf(run), PATIENCE).toEqual(['started', 'runs'])
  run.signal('SIGKILL')
  // The output is theirs too, and is closed when the last of them is gone.
  await run.ended
  expect(eventsOf(run)).toEqual(['started', 'runs', 'closed'])
})

test('the command is killed while an instance is still being loaded: it does not stay behind', PATIENCE, async () => {
  const preload = join(temporaryFolder(), 'preload.mjs')
  writeFileSync(
    preload,
    `import { once } from 'node:events'
    if (/run.instance\\.ts$/.test(process.argv[1] ?? '')) {
      process.stdout.write(JSON.stringify({ event: 'loading', pid: process.pid }) + '\\n')
      process.kill(process.ppid, 'SIGKILL')
      await once(process, 'disconnect')
    }`,
  )
  const run = started(['run', 'says.ts', '--json'], { NODE_OPTIONS: `--import ${pathToFileURL(preload).href}` })
  await run.ended
  expect(eventsOf(run)).toContain('loading')
})

test('a terminal that goes away drains it, as SIGTERM does', PATIENCE, async () => {
  const run = started(['run', 'says.ts', '--json'])
  await expect.poll(() => eventsOf(run), PATIENCE).toEqual(['started', 'runs'])
  // It reaches all processes of the terminal.
  process.kill(run.events.at(-1)?.pid ?? 0, 'SIGHUP')
  run.signal('SIGHUP')
  expect(await run.ended).toBe(0)
  expect(eventsOf(run)).toEqual(['started', 'runs', 'closed', 'ended'])
})

test('with --json, so are the errors of instances', PATIENCE, async () => {
  const run = started(['run', 'throws.ts', '--json'])
  expect(await run.ended).toBe(2)
  const message = expect.stringContaining('there is no such setting') as unknown
  expect(JSON.parse(run.stderr)).toEqual({ error: { code: 'UsageError', message } })
})

test('who reads no more of what is told again and again has seen enough', PATIENCE, async () => {
  const lag = started(['lag', 'says.ts', '--watch', '0.05', '--json'])
  await expect.poll(() => lag.stdout, PATIENCE).toContain('"group":"says"')
  lag.closeStdout()
  expect(await lag.ended).toBe(0)
  expect(lag.stderr).toBe('')
})

test('dev ends as well when nobody reads what it prints', PATIENCE, async () => {
  const dev = started(['dev', 'word-count.ts', '--json'])
  dev.write('to be\n')
  await expect.poll(() => dev.stdout, PATIENCE).toContain('"key":"to"')
  dev.closeStdout()
  dev.write('or not\n')
  expect(await dev.ended).toBe(0)
})

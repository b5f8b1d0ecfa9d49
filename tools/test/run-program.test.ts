import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'

const runner = new URL('../run-program.mjs', import.meta.url).href

/** A process that runs `program` the way `npm run demo` does. */
function start(program: string, env: Record<string, string> = {}) {
  const call = `import { runProgram } from ${JSON.stringify(runner)}; await runProgram(['--eval', ${JSON.stringify(program)}])`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', call], { env: { ...process.env, ...env } })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  return { child, end: async () => [...(await closed), output] as const }
}

test('the exit code and the output of the program are its own', async () => {
  expect(await start(`console.log('counted'); process.exit(7)`).end()).toEqual([7, null, 'counted\n'])
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s reaches the program, which may end in its own way', async (signal) => {
  const program = `process.on('${signal}', () => { console.log('drained'); process.exit(0) }); console.log('ready'); setInterval(() => {}, 1000)`
  const { child, end } = start(program)
  await once(child.stdout, 'data')
  child.kill(signal)
  expect(await end()).toEqual([0, null, 'ready\ndrained\n'])
})

test('a program ended by a signal is seen to have ended so', async () => {
  expect(await start(`process.kill(process.pid, 'SIGKILL')`).end()).toEqual([null, 'SIGKILL', ''])
})

test.each([
  [{}, '8'],
  [{ UV_THREADPOOL_SIZE: '4' }, '8'],
  [{ UV_THREADPOOL_SIZE: '16' }, '16'],
])('with %j it has a pool of %s threads', async (env, size) => {
  expect(await start(`process.stdout.write(process.env.UV_THREADPOOL_SIZE)`, env).end()).toEqual([0, null, size])
})

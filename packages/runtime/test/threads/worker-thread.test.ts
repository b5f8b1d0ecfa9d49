import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { MessageChannel } from 'node:worker_threads'
import { type AppDefinition, defineApp, deferred, type RuntimeEvent, silentLogger } from '@millrace/core'
import { memory } from '@millrace/transport-memory'
import { expect, onTestFinished, test } from 'vitest'
import { start } from '../../src/app/start.ts'
import type { ThreadNews, ThreadStart } from '../../src/threads/messages.ts'
import { runThread } from '../../src/threads/thread-main.ts'
import { addressOf, tsxFrom } from '../../src/threads/worker-thread.ts'

/** Each thread compiles all of it for itself, which takes a while on a busy machine. */
const PATIENTLY = { timeout: 180_000 }

const module = new URL('./modules/mortal.ts', import.meta.url)

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-deaths-'))
  process.env['MILLRACE_TEST_DEATHS'] = path
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

async function mortal(): Promise<AppDefinition> {
  return ((await import(module.href)) as { readonly default: AppDefinition }).default
}

test('threads that exit, throw or run out of memory are replaced, and the application goes on', PATIENTLY, async () => {
  const deaths = await folder()
  const events: RuntimeEvent[] = []
  const done = deferred<void>()
  let finished = 0
  const app = await start({
    ...(await mortal()),
    stateDir: join(deaths, 'state'),
    logger: silentLogger,
    threads: { count: 2, module, maxHeapBytes: 96 * 1_048_576 },
    observer: (event) => {
      events.push(event)
      if (event.type === 'pass-ended' && event.lastOffset === 6 && ++finished === 2) done.resolve()
    },
  })
  onTestFinished(() => app.close().catch(() => undefined))
  const running = app.run()
  await Promise.race([done.promise, running])
  const died = events.flatMap((event) => (event.type === 'thread' && event.phase === 'died' ? [String(event.error?.message)] : []))
  expect(died.map((message) => message.replace(/^Thread \d/, 'Thread')).toSorted()).toEqual([
    'Thread of the application died: Worker terminated due to reaching memory limit: JS heap out of memory. What it had not committed is processed again.',
    'Thread of the application died: it ended with code 7. What it had not committed is processed again.',
    'Thread of the application died: nobody catches this. What it had not committed is processed again.',
  ])
  expect(app.health().threads?.reduce((sum, { replaced }) => sum + replaced, 0)).toBe(3)
  await app.close()
  await running
  expect((await readdir(deaths)).toSorted()).toEqual(['exit', 'heap', 'state', 'uncaught'])
})

test('a module that starts its application itself is refused', PATIENTLY, async () => {
  const path = await folder()
  const starting = start({
    ...(await mortal()),
    stateDir: path,
    logger: silentLogger,
    threads: { count: 2, module: new URL('./modules/starting.ts', import.meta.url) },
  })
  await expect(starting).rejects.toMatchObject({
    code: 'MODULE_NOT_LOADED',
    message: expect.stringContaining('let that module export the definition, and start it in another') as string,
  })
})

test('what can not be spread over threads is told before any is started', async () => {
  const definition = defineApp({ topology: (await mortal()).topology, applicationId: 'none', transport: memory() })
  await expect(start({ ...definition, threads: 2, hotStandby: true })).rejects.toThrow(
    /threads\.module is missing(.|\n)*an embedded log belongs to the thread that made it(.|\n)*hotStandby can't be used with threads/,
  )
})

test.each([
  ['file:///project/app.js', 'file:///project/app.js'],
  ['/project/app.js', 'file:///project/app.js'],
  ['./app.js', new URL('app.js', `${pathToFileURL(process.cwd()).href}/`).href],
  ['some-package/app', 'some-package/app'],
])('the module %s is imported as %s', (given, address) => {
  expect(addressOf(given)).toBe(address)
})

test('TypeScript in threads is compiled by the tsx of the project that has it, as a module that can be imported', () => {
  expect(tsxFrom(fileURLToPath(import.meta.url))).toMatch(/^file:.*\/tsx\/.*esm.*\.mjs$/)
  expect(tsxFrom(join(tmpdir(), 'a-project', 'app.ts'))).toBeUndefined()
})

/** What a thread says when it is to run a module. */
async function saysOf(address: string, options: Partial<ThreadStart> & { readonly exportName?: string } = {}): Promise<ThreadNews> {
  await folder()
  const { topology } = await mortal()
  const { port1, port2 } = new MessageChannel()
  onTestFinished(() => port1.close())
  const said = new Promise<ThreadNews>((resolve) => {
    port1.once('message', ({ news }: { readonly news: ThreadNews }) => resolve(news))
  })
  const thread: ThreadStart = {
    ...{ number: 1, count: 2, options: { applicationId: 'mortal' }, topology: topology.describe(), transport: 'log-of-each' },
    ...{ traced: false, slot: { folder: '/nowhere', processId: 'p' }, observed: false },
    ...options,
  }
  const { exportName = 'default' } = options
  await runThread({ channel: port2, start: thread, module: address, exportName, loader: undefined, main: '' })
  return said
}

test.each([
  ['that is not there', new URL('./modules/none.ts', import.meta.url).href, {}, /none\.ts, can't be used: it can't be loaded: /],
  ['without the export', module.href, { exportName: 'app' }, /its export 'app' is no application: let it be what defineApp/],
  ['of another topology', module.href, { topology: 'other' }, /exports another topology than the one that was started/],
  ['on another transport', module.href, { transport: 'kafka' }, /exports an application on 'log-of-each', and 'kafka' was started/],
  ['that follows no passes', module.href, { traced: true }, /follows no passes, and the one that was started has a tracer/],
])('a module %s is refused', async (_, address, options, message) => {
  const news = await saysOf(address, options)
  expect(news).toMatchObject({ type: 'not-started', error: { message: expect.stringMatching(message) as string } })
})

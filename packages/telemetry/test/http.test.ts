import { request, type RequestOptions } from 'node:http'
import { advertisedIn, type Logger, silentLogger } from '@millrace/core'
import { memory } from '@millrace/transport-memory'
import { expect, test } from 'vitest'
import { CountingApp } from './support/counting-app.ts'

const http = { port: 0 }
const token = 'a-token-of-32-characters-0123456'
const bearer = { headers: { authorization: `Bearer ${token}` } }

test('metrics, health, topology, tasks and stores of a running application', async () => {
  await using running = await CountingApp.start({ telemetry: { http, sampleEveryMs: 1 } })
  await running.write([
    { key: 'a', partition: 0 },
    { key: 'a', partition: 0 },
    { key: 'b/ü?', partition: 1 },
  ])
  await running.app.caughtUp()

  const metrics = await (await running.ask('/metrics')).text()
  expect(metrics).toContain('millrace_records_total{application="counting",stage="process",node="count",topic="in"} 3')
  expect(metrics).toContain('millrace_lag_records{application="counting",topic="in",partition="0"} 0')
  expect(metrics).toContain('millrace_store_entries{application="counting",store="counts",partition="0"} 1')
  expect(metrics).toContain('millrace_ready{application="counting"} 1')
  expect(metrics).toMatch(/millrace_commit_seconds_count\{application="counting"\} [1-9]/)
  expect(metrics).toMatch(/millrace_batch_records_bucket\{application="counting",topic="in",le="\+Inf"\} [1-9]/)
  expect(await (await running.ask('/metrics.json')).json()).toContainEqual(expect.objectContaining({ name: 'millrace_lag_records' }))

  expect(await (await running.ask('/health/live')).json()).toEqual({ live: true, state: 'running' })
  expect(await (await running.ask('/health/ready')).json()).toEqual({ ready: true, state: 'running', problems: [] })
  expect(await (await running.ask('/topology?format=mermaid')).text()).toContain('flowchart')
  expect(await (await running.ask('/topology?format=text')).text()).toContain('Sub-topology: 0')
  expect(await (await running.ask('/topology')).json()).toMatchObject({
    edges: [
      { from: 'in', to: 'count' },
      { from: 'count', to: 'out' },
    ],
  })
  expect(await (await running.ask('/tasks')).json()).toMatchObject({ tasks: [{ task: '0_0', partitions: [{ lag: 0, position: 2 }] }, {}] })

  expect(await (await running.ask('/stores')).json()).toMatchObject({ stores: [{ name: 'counts', key: 'string', shape: 'key-value' }] })
  expect(await (await running.ask('/stores/counts/a')).json()).toEqual({ store: 'counts', key: 'a', value: 2 })
  expect(await (await running.ask(`/stores/counts/${encodeURIComponent('b/ü?')}`)).json()).toMatchObject({ value: 1 })
  expect(await (await running.ask('/stores/counts?prefix=b')).json()).toMatchObject({ entries: [{ key: 'b/ü?' }], more: false })
  expect(await (await running.ask('/stores/counts?limit=1')).json()).toMatchObject({ entries: [{}], more: true })
  expect((await running.ask('/stores/counts/none')).status).toBe(404)
  expect((await running.ask('/stores/none/a')).status).toBe(404)
  for (const bad of [
    '/stores/counts?limit=0',
    '/stores/counts?keyBase64=!',
    '/stores/counts/%',
    '/stores/counts/a/b',
    '/topology?format=x',
  ])
    expect([bad, (await running.ask(bad)).status]).toEqual([bad, 400])
  expect((await running.ask('/metrics', { method: 'DELETE' })).status).toBe(405)
  expect((await running.ask('/nothing')).status).toBe(404)
})

test('a key may be empty, and one that no serde takes is a bad request', async () => {
  await using running = await CountingApp.start({ telemetry: { http } })
  await running.write([{ key: '' }, { key: '..' }])
  await running.app.caughtUp()
  expect(await (await running.ask('/stores/counts?key=')).json()).toMatchObject({ key: '', value: 1 })
  expect(await (await running.ask('/stores/counts/')).json()).toMatchObject({ key: '', value: 1 })
  expect(await (await running.ask('/stores/counts?key=..')).json()).toMatchObject({ key: '..', value: 1 })
  expect((await running.ask(`/stores/counts?key=${encodeURIComponent('"\u0000')}`)).status).toBe(404)
})

test('a key that another process has is answered with where that is', async () => {
  const transport = memory()
  const telemetry = { http: { port: 0, advertise: true } }
  await using one = await CountingApp.start({ transport, telemetry })
  await using two = await CountingApp.start({ transport, telemetry })
  const apps = [one, two]
  const keys = Array.from({ length: 20 }, (_, i) => `key-${i}`)
  await one.write(keys.map((key) => ({ key })))
  await expect.poll(() => apps.map(({ app }) => app.health().tasks.length)).toEqual([1, 1])
  await Promise.all(apps.map(({ app }) => app.caughtUp()))
  const urls = apps.map(({ telemetry: { url } }) => url?.replace('http://', ''))
  const elsewhere = new Set<unknown>()
  for (const key of keys) {
    const answers = await Promise.all(apps.map((app) => app.ask(`/stores/counts/${key}`)))
    const statuses = answers.map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([200, 421]))
    const not = statuses.indexOf(421)
    const { address } = (await (answers[not] as Response).json()) as { address: string }
    expect(address).toBe(urls[1 - not])
    elsewhere.add(address)
  }
  expect(elsewhere.size).toBe(2)
})

test('an address with port 0 is told with the port that it has come to be', async () => {
  await using running = await CountingApp.start({ telemetry: { http: { port: 0, advertise: 'this-host:0' } } })
  await expect.poll(async () => (await running.app.inspect.group()).members.length).toBe(1)
  const [member] = (await running.app.inspect.group()).members
  expect(advertisedIn(member?.clientId ?? '')).toBe(`this-host:${new URL(running.telemetry.url ?? '').port}`)
})

test('dead letters are told once to who says what was told before', async () => {
  const failure = { process: 'dead-letter', deadLetter: { topic: 'dead' } } as const
  await using running = await CountingApp.start({
    telemetry: { http },
    definition: { failure, batch: { size: 10, timeoutMs: 1, maxRetries: 0 } },
    before: ({ key }) => {
      if (key !== 'good') throw new Error(`no ${key}`)
    },
  })
  const live = async (query = '') => (await (await running.ask(`/live.json${query}`)).json()) as { instance: string; deadLetters: object[] }
  await running.write([{ key: 'a' }, { key: 'good' }])
  await running.app.caughtUp()
  const { instance, deadLetters } = await live()
  expect(deadLetters).toMatchObject([{ number: 1, reason: 'Error: no a' }])
  await running.write([{ key: 'b' }])
  await running.app.caughtUp()
  expect((await live(`?instance=${instance}&after=1`)).deadLetters).toMatchObject([{ number: 2, reason: 'Error: no b' }])
  expect((await live(`?instance=${instance}&after=2`)).deadLetters).toEqual([])
  expect((await live('?instance=another&after=2')).deadLetters).toHaveLength(2)

  // What is cut says so.
  const value = `${'v'.repeat(1_999)}ü${'v'.repeat(3_000)}`
  await running.write([{ key: 'large', value }])
  await running.app.caughtUp()
  expect((await live(`?instance=${instance}&after=2`)).deadLetters).toMatchObject([
    { key: 'large', value: 'v'.repeat(1_999), keyBytes: 5, valueBytes: 5_001, shownBytes: 2_000 },
  ])
})

test('with a token nothing but health is told without it, and batching is changed with it alone', async () => {
  await using running = await CountingApp.start({ telemetry: { http: { port: 0, token } } })
  const patch = { method: 'PATCH', body: JSON.stringify({ size: 3 }) }
  for (const path of ['/metrics', '/stores', '/tasks', '/live.json']) expect([path, (await running.ask(path)).status]).toEqual([path, 401])
  expect((await running.ask('/batching', patch)).status).toBe(401)
  expect((await running.ask('/metrics', { headers: { authorization: 'Bearer other' } })).status).toBe(401)
  expect((await running.ask('/health/live')).status).toBe(200)
  expect((await running.ask('/metrics', bearer)).status).toBe(200)
  expect((await running.ask('/batching', { ...patch, ...bearer })).status).toBe(200)
  await expect.poll(() => running.app.health().tasks[0]?.partitions[0]?.batchSize).toBe(3)
  const wrong = await running.ask('/batching', { ...patch, ...bearer, body: JSON.stringify({ size: -1 }) })
  expect(wrong.status).toBe(400)
  expect(await wrong.text()).toContain('size')
  expect((await running.ask('/batching', { ...patch, ...bearer, body: '{' })).status).toBe(400)
  expect((await running.ask('/batching', { ...patch, ...bearer, body: ' '.repeat(70_000) })).status).toBe(413)
})

test('why an application is not ready is told in full with the token alone', async () => {
  const circuitBreaker = { threshold: 0.1, minimum: 1, openMs: 600_000 }
  await using running = await CountingApp.start({
    telemetry: { http: { port: 0, token } },
    definition: { failure: { process: 'skip', circuitBreaker }, batch: { size: 1, timeoutMs: 1, maxRetries: 0 } },
    before: () => {
      throw new Error('a secret')
    },
  })
  await running.write([{ key: 'a' }, { key: 'b' }, { key: 'c' }])
  const ready = async (init?: RequestInit) => (await (await running.ask('/health/ready', init)).json()) as object
  const open = { reason: 'circuit-open', task: expect.any(String) as unknown, node: 'count', detail: expect.any(String) as unknown }
  await expect.poll(() => ready(bearer), { timeout: 60_000 }).toMatchObject({ ready: false, problems: [open] })
  expect(await ready()).toEqual({ ready: false, state: 'running', problems: [{ reason: 'circuit-open' }] })
})

test('without a token batching stays as it is, and a name that a page of the web has pointed here is refused', async () => {
  await using running = await CountingApp.start({ telemetry: { http } })
  expect((await running.ask('/batching', { method: 'PATCH', body: '{"size":3}' })).status).toBe(403)
  const { port } = new URL(running.telemetry.url ?? '')
  const status = await new Promise((resolve) => {
    request({ port, host: '127.0.0.1', path: '/metrics', headers: { host: 'evil.example' } }, ({ statusCode }) => resolve(statusCode)).end()
  })
  expect(status).toBe(403)
})

test('nothing listens unless that is asked for', async () => {
  await using running = await CountingApp.start()
  expect(running.telemetry.url).toBeUndefined()
  expect(await running.telemetry.metrics()).toContain('millrace_ready{application="counting"}')
})

test('it listens on this machine alone; anywhere else without a token is warned of', async () => {
  await using running = await CountingApp.start({ telemetry: { http } })
  const { hostname, port } = new URL(running.telemetry.url ?? '')
  expect(hostname).toBe('127.0.0.1')
  await expect(fetch(`http://127.0.0.2:${port}/health/live`)).rejects.toThrow('fetch failed')

  const warned: string[] = []
  const logger = { ...silentLogger, warn: (_: unknown, message: unknown) => void warned.push(String(message)) } as Logger
  const everywhere = { port: 0, host: '0.0.0.0' }
  await using _open = await CountingApp.start({ telemetry: { http: everywhere }, definition: { logger } })
  await using _guarded = await CountingApp.start({ telemetry: { http: { ...everywhere, token } }, definition: { logger } })
  expect(warned).toEqual(['telemetry, state and dead letters are told to whoever reaches this machine: set http.token'])
})

test('what is too long is refused, in whichever way it is sent', async () => {
  await using running = await CountingApp.start({ telemetry: { http: { port: 0, token } } })
  const { port } = new URL(running.telemetry.url ?? '')
  const headers = { authorization: `Bearer ${token}` }
  const statusOf = (options: RequestOptions, ...chunks: string[]) =>
    new Promise((resolve, reject) => {
      const asking = request({ port, host: '127.0.0.1', headers, ...options }, (response) => {
        resolve(response.statusCode)
        response.resume()
      })
      // Who is refused may find the connection closed while it still sends.
      asking.on('error', (error: NodeJS.ErrnoException) =>
        error.code === 'EPIPE' || error.code === 'ECONNRESET' ? undefined : reject(error),
      )
      for (const chunk of chunks) asking.write(chunk)
      asking.end()
    })
  const patch = { method: 'PATCH', path: '/batching' }
  expect(await statusOf({ path: `/stores/counts?key=${'a'.repeat(9_000)}` })).toBe(414)
  expect(await statusOf({ path: `/${'a'.repeat(20_000)}` })).toBe(431)
  expect(await statusOf({ path: '/metrics', headers: { ...headers, more: 'a'.repeat(20_000) } })).toBe(431)
  // Without a length that is told before.
  expect(await statusOf(patch, '{"size":', '9}')).toBe(200)
  expect(await statusOf(patch, ...Array.from({ length: 8 }, () => ' '.repeat(10_000)), '{}')).toBe(413)
  expect(await statusOf(patch, ' '.repeat(60_000), '{"size":3}')).toBe(200)
})

test('what is large in a store is told in as many entries as one answer has room for', async () => {
  await using running = await CountingApp.start({ telemetry: { http } })
  const key = (i: number) => `${String(i).padStart(3, '0')}${'k'.repeat(40_000)}`
  await running.write(Array.from({ length: 150 }, (_, i) => ({ key: key(i), value: 'v', partition: 0 })))
  await running.app.caughtUp()
  const ask = async (query: string) =>
    (await (await running.ask(`/stores/counts?limit=200${query}`)).json()) as { entries: { key: string }[]; more: boolean }
  const first = await ask('')
  expect(first.more).toBe(true)
  expect(first.entries.length).toBeGreaterThan(90)
  expect(first.entries.length).toBeLessThan(110)
  expect(await ask('&from=100')).toMatchObject({ entries: { length: 50 }, more: false })
})

test('a flood of those without the token locks out neither who has it nor health checks', async () => {
  await using running = await CountingApp.start({ telemetry: { http: { port: 0, token, requestsPerSecond: 1 } } })
  const flood = await Promise.all(Array.from({ length: 30 }, () => running.ask('/metrics')))
  expect(flood.filter(({ status }) => status === 429).length).toBeGreaterThan(20)
  expect((await running.ask('/metrics', bearer)).status).toBe(200)
  expect((await running.ask('/health/live')).status).toBe(200)
})

test('what is wrong with the options is told all at once', async () => {
  const wrong = {
    http: { port: -1, token: 'short', advertise: 'x', requestsPerSecond: 0 },
    stuckAfterMs: 0,
    compatibleNames: { prefix: '1' },
    logs: { everyMs: 5 } as object,
  }
  await expect(CountingApp.start({ telemetry: wrong })).rejects.toThrow(
    /port[^]*token[^]*advertise[^]*requestsPerSecond[^]*logs\.everyMs is no option/,
  )
  const everywhere = { http: { host: '0.0.0.0', advertise: true } }
  await expect(CountingApp.start({ telemetry: everywhere })).rejects.toThrow('name the address that others use')
})

import { once } from 'node:events'
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type AppDefinition, BatchCountAggregator, defineApp, serdes, silentLogger, TopologyBuilder, viewColumn } from '@millrace/core'
import { start } from '@millrace/runtime'
import { memory } from '@millrace/transport-memory'
import { leveldb } from 'millrace/leveldb'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { millrace } from '../support/command.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
const perMinute = leveldb.windowStore({
  ...{ name: 'per-minute', key: serdes.string, value: serdes.safeInt64 },
  ...{ windowSizeMs: 60_000, retentionMs: 86_400_000 },
})

/** An application that has counted some words, and where it keeps them. */
async function counted(): Promise<{ definition: AppDefinition; stateDir: string; open: () => ReturnType<typeof start> }> {
  const stateDir = temporaryFolder()
  const transport = memory()
  const builder = new TopologyBuilder('count')
  builder
    .source('words', { topics: ['words'], key: serdes.nullable(serdes.string), value: serdes.string })
    .map('keyed', (word) => ({ ...word, key: word.value }))
    .process('per-minute', {
      stores: [perMinute],
      create: () => ({
        process(word, context) {
          const window = { key: word.value, start: Math.floor(word.timestamp / 60_000) * 60_000 }
          const store = context.store(perMinute)
          store.set(window, (store.get(window) ?? 0) + 1)
          context.forward(word)
        },
      }),
    })
    .process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
    .sink('totals', { topic: 'totals', key: serdes.string, value: serdes.safeInt64 })
  const definition = defineApp({ topology: builder.build(), applicationId: 'app', transport, stateDir, logger: silentLogger })
  const context = { logger: silentLogger }
  const admin = await transport.openAdmin(context)
  await admin.createTopics(['words', 'totals'].map((topic) => ({ topic, partitions: 2 })))
  await write(definition, ['the', 'whale', 'the', 'that', 'the', '..'])
  const open = () => start(definition)
  await countAll(definition)
  return { definition, stateDir, open }
}

async function write({ transport }: AppDefinition, words: readonly string[]): Promise<void> {
  const writer = await transport.openWriter({ clientId: 'test' }, { logger: silentLogger })
  await writer.writeBatch({
    topic: 'words',
    length: words.length,
    keys: viewColumn(words.map(() => null)),
    values: viewColumn(words.map((word) => new TextEncoder().encode(word))),
    timestamps: words.map((_, i) => i * 30_000),
    partitions: words.map((word) => (word === 'the' ? 1 : 0)),
  })
  await writer.close()
}

/** Runs the application until it has counted all words, and stops it. */
async function countAll(definition: AppDefinition): Promise<void> {
  const app = await start(definition)
  const running = app.run()
  await app.caughtUp()
  await app.close()
  await running
}

/** All files below a folder, with what is in them and when they were changed. */
function contentsOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name)
      return [path, `${statSync(path).mtimeMs} ${readFileSync(path, 'base64')}`]
    }),
  )
}

describe('of an application that is stopped', () => {
  test('what is read of a task that several processes had is what has most of its changelog, whichever folder was touched last', async () => {
    const { definition, stateDir } = await counted()
    const ask = (...args: string[]) => millrace(['stores', ...args], { importModule: async () => ({ default: definition }) })
    const old = join(stateDir, 'app', '1')
    cpSync(join(stateDir, 'app', '0'), old, { recursive: true })
    await write(definition, ['the', '..'])
    await countAll(definition)
    const later = new Date(Date.now() + 60_000)
    for (const name of readdirSync(old, { recursive: true, encoding: 'utf8' })) utimesSync(join(old, name), later, later)

    expect((await ask('scan', 'counts', 'word-count.ts')).stdout).toBe('..\t2\nthat\t1\nwhale\t1\nthe\t4\n')
    expect((await ask('get', 'counts', 'the', 'word-count.ts')).stdout).toBe('the\t4\n')
  })

  test('of a process that was killed after its first commit, the folder counts, and not that of the one which had the task before', async () => {
    const { definition, stateDir } = await counted()
    const ask = (...args: string[]) => millrace(['stores', ...args], { importModule: async () => ({ default: definition }) })
    const [first, second, killed] = ['0', '1', 'killed'].map((slot) => join(stateDir, 'app', slot)) as [string, string, string]
    cpSync(first, join(stateDir, 'before'), { recursive: true })
    await write(definition, ['the', '..'])
    const app = await start(definition)
    const running = app.run()
    await app.caughtUp()
    await app.commit()
    // As a SIGKILL leaves it now.
    cpSync(first, killed, { recursive: true })
    rmSync(join(killed, '.lock'))
    await app.close()
    await running
    rmSync(first, { recursive: true })
    renameSync(join(stateDir, 'before'), first)
    renameSync(killed, second)

    expect((await ask('scan', 'counts', 'word-count.ts')).stdout).toBe('..\t2\nthat\t1\nwhale\t1\nthe\t4\n')
  })

  test('keys, ranges, prefixes and windows are read from its folder, in which nothing changes', async () => {
    const { definition, stateDir } = await counted()
    const before = contentsOf(stateDir)
    const ask = (...args: string[]) => millrace(['stores', ...args], { importModule: async () => ({ default: definition }) })

    expect(await ask('get', 'counts', 'the', 'word-count.ts')).toEqual({ code: 0, stdout: 'the\t3\n', stderr: '' })
    expect((await ask('get', 'counts', 'nothing', 'word-count.ts')).code).toBe(4)
    expect((await ask('scan', 'counts', 'word-count.ts')).stdout).toBe('..\t1\nthat\t1\nwhale\t1\nthe\t3\n')
    expect((await ask('scan', 'counts', 'word-count.ts', '--prefix', 'th')).stdout).toBe('that\t1\nthe\t3\n')
    expect((await ask('scan', 'counts', 'word-count.ts', '--from', 'the', '--to', 'x')).stdout).toBe('whale\t1\nthe\t3\n')
    expect(await ask('scan', 'counts', 'word-count.ts', '--limit', '2')).toMatchObject({
      stdout: '..\t1\nthat\t1\n',
      stderr: 'millrace: there are more than 2: --limit\n',
    })
    expect(JSON.parse((await ask('get', 'per-minute', 'the', 'word-count.ts', '--json', '--from', '60000')).stdout)).toEqual({
      store: 'per-minute',
      entries: [
        { key: { key: 'the', start: 60_000 }, value: 1 },
        { key: { key: 'the', start: 120_000 }, value: 1 },
      ],
      more: false,
    })
    expect(await ask('get', 'totals', 'the', 'word-count.ts')).toMatchObject({
      code: 2,
      stderr: "millrace: The topology has no store 'totals'; it has 'per-minute', 'counts'.\n",
    })
    expect((await ask('get', 'counts', 'the', 'word-count.ts', '--state-dir', join(stateDir, 'elsewhere'))).code).toBe(4)
    expect(contentsOf(stateDir)).toEqual(before)
  })

  test('of one key, all windows are read', async () => {
    const { definition } = await counted()
    await write(
      definition,
      Array.from({ length: 2_400 }, () => 'the'),
    )
    await countAll(definition)
    const { stdout } = await millrace(['stores', 'get', 'per-minute', 'the', 'word-count.ts'], {
      importModule: async () => ({ default: definition }),
    })

    expect(stdout.trim().split('\n')).toHaveLength(1_200)
  })

  test('told to stop while it copies, it leaves no copy behind', async () => {
    const { definition, stateDir } = await counted()
    const stop = new AbortController()
    const snapshots = () => readdirSync(stateDir).filter((name) => name.startsWith('.millrace-snapshot'))
    // Looked at when there is a copy, and before it is read.
    const { stores } = definition.topology
    let copies: string[] = []
    const watched = stores.map((store): typeof store => {
      const open = {
        get: () => {
          copies = snapshots()
          stop.abort()
          return Reflect.get(store, 'open') as unknown
        },
      }
      return Object.create(store, { open }) as typeof store
    })
    const topology = Object.create(definition.topology, { stores: { value: watched } }) as typeof definition.topology
    const asked = { stop: stop.signal, importModule: async () => ({ default: { ...definition, topology } }) }
    expect(await millrace(['stores', 'scan', 'counts', 'word-count.ts'], asked)).toEqual({ code: 130, stdout: '', stderr: '' })
    expect(copies).toHaveLength(1)
    expect(snapshots()).toEqual([])
  })

  test('and not while a process has it open', async () => {
    const { definition, open } = await counted()
    await using _app = await open()
    const { code, stderr } = await millrace(['stores', 'get', 'counts', 'the', 'word-count.ts'], {
      importModule: async () => ({ default: definition }),
    })

    expect(code).toBe(3)
    expect(stderr).toContain(`Store 'counts' is open in process ${process.pid}`)
  })
})

interface Timed {
  readonly key: string
  readonly start: number
  readonly end?: number
}

describe('of an application that runs', () => {
  /** Answers as an application's HTTP server does. */
  async function serving(answer: (request: IncomingMessage) => { status: number; body: unknown }): Promise<string> {
    const server = createServer((request, response) => {
      const { status, body } = answer(request)
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body))
    })
    server.listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  test('a key is asked for over HTTP, with the token, and in the process that has it, without', async () => {
    const asked: unknown[] = []
    const other = await serving(({ url, headers }) => {
      asked.push([url, headers.authorization])
      return { status: 200, body: { store: 'counts', key: '../the', value: 3 } }
    })
    const tokens: unknown[] = []
    const first = await serving(({ headers }) => {
      tokens.push(headers.authorization)
      return { status: 421, body: { error: 'elsewhere', address: other.replace('http://', '') } }
    })
    const { code, stdout } = await millrace(['stores', 'get', 'counts', '../the', '--http', first], {
      variables: { MILLRACE_TOKEN: 'secret' },
    })

    expect({ code, stdout }).toEqual({ code: 0, stdout: '../the\t3\n' })
    expect(new Set(tokens)).toEqual(new Set(['Bearer secret']))
    // Another port may be another user's.
    expect(asked).toEqual([['/stores/counts?key=..%2Fthe&limit=1000', undefined]])
  })

  test.each(['127.0.0.1', 'localhost'])(
    'the token goes to the address that was named, and to no other such as %s with another port',
    async (host) => {
      const asked: unknown[] = []
      const elsewhere: unknown[] = []
      const other = await serving(({ headers }) => {
        elsewhere.push(headers.authorization)
        return { status: 401, body: { error: 'This needs the token' } }
      })
      const address = other.replace('http://127.0.0.1', host)
      const first = await serving(({ headers }) => {
        asked.push(headers.authorization)
        return { status: 421, body: { error: 'elsewhere', address } }
      })
      const { code, stderr } = await millrace(['stores', 'get', 'counts', 'the', '--http', first, '--token', 'secret'])

      expect([code, elsewhere]).toEqual([2, [undefined]])
      // `fetch` asks once more on a connection of its own where the answer is 421.
      expect(new Set(asked)).toEqual(new Set(['Bearer secret']))
      expect(stderr).toContain(`ask that one, with --http http://${address}`)
    },
  )

  test('who never answers is not waited for without end', async () => {
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(AbortSignal.abort())
    onTestFinished(() => timeout.mockRestore())
    const url = await serving(() => ({ status: 200, body: {} }))

    expect((await millrace(['stores', 'get', 'counts', 'the', '--http', url])).code).toBe(1)
    expect(timeout).toHaveBeenCalledWith(30_000)
  })

  test('entries as well', async () => {
    const url = await serving(({ url: path }) => ({
      status: 200,
      body: { store: 'counts', entries: [{ key: path, value: { a: 1 } }], more: true },
    }))
    const scan = ['stores', 'scan', 'counts', '--http', url, '--prefix', 'th', '--limit', '1']
    const { stdout, stderr } = await millrace(scan)

    expect(stdout).toBe('/stores/counts?prefix=th&limit=1\t{"a":1}\n')
    // Of one process, and nobody has asked the others.
    expect(stderr).toContain(`of the process at ${url}: what others have of it is to be asked for there\n`)
    expect(JSON.parse((await millrace([...scan, '--json'])).stdout)).toMatchObject({ process: url, more: true })
  })

  test.each([
    ['windows', (time: number) => ({ key: 'the', start: time * 10 })],
    ['sessions, of which some end at the same time', (time: number) => ({ key: 'the', start: time, end: Math.floor(time / 3) * 10 })],
  ])('all that a key has is asked for, however much it is: %s', async (_, keyOf) => {
    const all = Array.from({ length: 2_500 }, (_unused, i) => ({ key: keyOf(i) as Timed, value: i }))
    const url = await serving(({ url: path }) => {
      const query = new URL(path ?? '', 'http://here').searchParams
      const [from, limit] = [Number(query.get('from') ?? 0), Number(query.get('limit'))]
      const found = all.filter(({ key }) => (key.end ?? key.start) >= from)
      return { status: 200, body: { store: 'per-minute', entries: found.slice(0, limit), more: found.length > limit } }
    })
    const { stdout } = await millrace(['stores', 'get', 'per-minute', 'the', '--http', url, '--json'])

    expect(JSON.parse(stdout)).toEqual({ store: 'per-minute', entries: all, more: false })
  })

  test.each([
    [404, 4, 'no such key'],
    [400, 2, 'no such key'],
    [401, 2, 'Give its token with --token'],
    [503, 1, 'could not answer: no such key'],
    [421, 1, 'could not answer: no such key'],
  ])('status %d ends with %d', async (status, expected, text) => {
    const url = await serving(() => ({ status, body: { error: 'no such key' } }))
    const { code, stdout, stderr } = await millrace(['stores', 'get', 'counts', 'the', '--http', url])

    expect({ code, stdout }).toEqual({ code: expected, stdout: '' })
    expect(stderr).toContain(text)
  })

  test('where nobody answers, it says so', async () => {
    expect(await millrace(['stores', 'get', 'counts', 'the', '--http', 'http://127.0.0.1:1'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No application answers at http://127.0.0.1:1') as unknown,
    })
    expect((await millrace(['stores', 'get', 'counts', 'the', '--http', 'nonsense'])).code).toBe(2)
    expect((await millrace(['stores', 'get', 'counts', 'the'])).code).toBe(2)
  })
})

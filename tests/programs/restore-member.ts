import { monitorEventLoopDelay } from 'node:perf_hooks'
import { defineApp, type Logger, serdes, start, TopologyBuilder } from 'millrace'
import { kafka } from 'millrace/kafka'
import { leveldb } from 'millrace/leveldb'
import { defineKeyValueStore, type KeyValueStoreDefinition } from '@millrace/core'
import { Digester, keyOf } from '../support/big-state.ts'
import type { RestoreAnswer, RestoreConfig, RestoreMessage, RestoreRequest } from '../support/restore-messages.ts'

// An application with a big store and, in a task of its own, a small one. Its configuration is its argument; it tells of events and log lines.
const config = JSON.parse(String(process.argv[2])) as RestoreConfig
const tell = (message: RestoreMessage) => new Promise((resolve) => process.send?.(message, resolve))
const text = { key: serdes.string, value: serdes.string }
let goOn: () => void = () => undefined
const mayGoOn = new Promise<void>((resolve) => {
  goOn = resolve
})

/** The same store, held or killed while it is restored. */
function watched(store: KeyValueStoreDefinition<string, string>): KeyValueStoreDefinition<string, string> {
  const { name, key, value, access } = store
  let written = 0
  return defineKeyValueStore({
    name,
    key,
    value,
    access,
    open: async (where) => {
      const backend = await store.open(where)
      const write = backend.write.bind(backend)
      backend.write = async (changes, metadata) => {
        if (written > 0 && config.hold === true) {
          void tell({ type: 'held' })
          await mayGoOn
        }
        await write(changes, metadata)
        written += changes.length
        if (written >= (config.killAfter ?? Infinity)) process.kill(process.pid, 'SIGKILL')
      }
      return backend
    },
  })
}

const big = watched(leveldb.keyValueStore({ name: 'big', ...text }))
const small = leveldb.keyValueStore({ name: 'small', ...text })
const builder = new TopologyBuilder('restores')
builder
  .source('big-in', { topics: [config.topics.big], ...text })
  .process('keep', { create: () => ({ process: (record, context) => context.store(big).set(record.key, record.value) }), stores: [big] })
builder
  .source('small-in', { topics: [config.topics.small], ...text })
  .process<string, string>('remember', {
    create: () => ({
      process: (record, context) => {
        const before = context.store(small).get(record.key) ?? ''
        context.store(small).set(record.key, before + record.value)
        context.forward({ ...record, value: before + record.value })
      },
    }),
    stores: [small],
  })
  .sink('out', { topic: config.topics.output, ...text })

const line: Logger['info'] = (fields, message) => void tell({ type: 'log', line: { ...fields, message } })
const app = await start(
  defineApp({
    topology: builder.build(),
    applicationId: config.applicationId,
    transport: kafka({
      brokers: config.brokers,
      consumer: {
        'session.timeout.ms': config.maxPollIntervalMs,
        'max.poll.interval.ms': config.maxPollIntervalMs,
        'heartbeat.interval.ms': 300,
        ...(config.readAheadKilobytes !== undefined && {
          'queued.max.messages.kbytes': config.readAheadKilobytes,
          'fetch.message.max.bytes': config.readAheadKilobytes * 1_024,
        }),
      },
    }),
    stateDir: config.stateDir,
    logger: { debug: () => undefined, info: line, warn: line, error: line },
    batch: { timeoutMs: 5 },
    commit: { intervalMs: 100 },
    observer: (event) => {
      if (event.type === 'restore' || event.type === 'lost' || event.type === 'commit') void tell({ type: 'event', event })
    },
  }),
)
const delays = monitorEventLoopDelay({ resolution: 5 })
delays.enable()

async function answerTo(ask: RestoreRequest['ask']): Promise<RestoreAnswer> {
  const store = app.store(big)
  if (ask === 'sample') {
    const values = await store.getBatch(Array.from({ length: 100 }, (_, i) => keyOf(i)))
    return { sample: values.map((value) => value ?? null) }
  }
  if (ask === 'digest') {
    const digester = new Digester()
    for await (const page of store.rangePages({})) for (const [key, value] of page) digester.add(key, value)
    return { digest: digester.digest }
  }
  if (ask === 'go-on') goOn()
  else await app.close()
  return {}
}

const answer = async ({ id, ask }: RestoreRequest) => {
  const answered = await answerTo(ask)
  await tell({ type: 'answer', id, answer: answered })
  // Nothing else keeps the process.
  if (ask === 'close') process.disconnect()
}
// Whoever started it may be gone.
process.on('disconnect', () => process.exit())
process.on('message', (request: RestoreRequest) => void answer(request))
app.onStateChange((to) => {
  if (to !== 'running') return
  void tell({ type: 'restored', highestRssBytes: process.resourceUsage().maxRSS * 1_024, longestTurnMs: delays.max / 1e6 })
})
await app.run()

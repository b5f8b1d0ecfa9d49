import { type Clock, defineApp, MillraceError, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { kafka } from 'millrace/kafka'
import { leveldb } from 'millrace/leveldb'
import type { JoinConfig, JoinMessage } from '../support/join-messages.ts'
import { transportWith } from '../support/transport-with.ts'

// One member of a group that looks up, for each record on the right, the last record on the left with the same key.
const config = JSON.parse(String(process.argv[2])) as JoinConfig
const { brokers, groupProtocol, topics } = config
const tell = (message: JoinMessage) => new Promise((resolve) => process.send?.(message, resolve))
const pair = { key: serdes.string, value: serdes.string }
const lefts = leveldb.keyValueStore({ name: 'lefts', ...pair })

const builder = new TopologyBuilder('join')
builder
  .source('left', { topics: [topics.left], ...pair })
  .process<string, string>('remember', (record, context) => context.store(lefts).set(record.key, record.value), { stores: [lefts] })
builder
  .source('right', { topics: [topics.right], ...pair })
  .process<string, string>(
    'look-up',
    (record, context) => {
      const left = context.store(lefts).get(record.key) ?? 'missing'
      context.forward({ ...record, value: `${left} ${record.value}` })
    },
    { stores: [lefts] },
  )
  .sink('out', { topic: topics.output, ...pair })

const consumer = groupProtocol === 'classic' ? { 'session.timeout.ms': config.sessionTimeoutMs, 'heartbeat.interval.ms': 300 } : undefined
const real = kafka({ brokers, groupProtocol, consumer })
const transport = transportWith(real, {
  openSource: (options, context) => real.openSource({ ...options, coLocate: config.coLocate }, context),
})
/** Waits that are longer are a tenth as long: only the one for partitions that a task misses is, whatever it is, with the limit that is set below. */
const LONG_MS = 20_000
const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, act) {
    const timer = setTimeout(act, ms >= LONG_MS ? ms / 10 : ms)
    return () => clearTimeout(timer)
  },
}

const app = await start(
  defineApp({
    topology: builder.build(),
    applicationId: config.applicationId,
    transport,
    stateDir: config.stateDir,
    logger: silentLogger,
    clock,
    revokeTimeoutMs: LONG_MS / 2,
    // What was written first may be handed over last.
    maxTaskIdleMs: 500,
    batch: { size: 10, timeoutMs: 5 },
    commit: { intervalMs: 100 },
    observer: (event) => {
      if (event.type !== 'batch') void tell({ type: 'event', event })
    },
  }),
)
process.on('disconnect', () => process.exit())
const catchUp = () =>
  app.caughtUp().then(
    () => tell({ type: 'caught-up' }),
    (error: unknown) => tell({ type: 'caught-up', error: String(error) }),
  )
process.on('message', () => void catchUp())
try {
  await app.run()
} catch (error) {
  if (!(error instanceof MillraceError)) throw error
  await tell({ type: 'failed', code: error.code, message: error.message })
  process.disconnect()
}

import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { defineApp, serdes, silentLogger, start, type Topology, TopologyBuilder } from 'millrace'
import { kafka } from 'millrace/kafka'
import { transportThatWaits } from '../support/transport-with.ts'
import type { MemoryConfig, MemoryReport } from '../support/memory-messages.ts'

// Reads a topic in one of three ways that tempt a program to grow, and tells how much memory it has.
const config = JSON.parse(String(process.argv[2])) as MemoryConfig
const { topics, kind } = config
const plain = { key: serdes.nullable(serdes.string), value: serdes.bytes }
/** Seldom: resident memory is to be what it is without collections that are forced. */
const REPORTS_A_WEIGHING = 10
let processed = 0
let committed = 0
let tasksGiven = 0
let tasksTaken = 0
let openGate: () => void = () => undefined
const gate = new Promise<void>((resolve) => {
  openGate = resolve
})

function topology(): Topology {
  const builder = new TopologyBuilder(kind)
  const source = builder.source('in', { topics: [topics.input], ...plain })
  const sink = { topic: topics.output, ...plain }
  if (kind === 'slow-processor') {
    source.processBatch('slow', async (batch) => {
      await pause(config.slow?.pauseMs)
      processed += batch.length
    })
  } else if (kind === 'fan-out') {
    const copy = Buffer.alloc(40, 'x')
    source
      .process<string | null, Uint8Array>('fan-out', (record, context) => {
        for (let i = 0; i < 10_000; i++) context.forward({ ...record, value: copy })
        processed++
      })
      .sink('out', sink)
  } else {
    source
      .processBatch<string | null, Uint8Array>('pass', (batch, context) => {
        context.forwardBatch({ keys: batch.keys, values: batch.values })
        processed += batch.length
      })
      .sink('out', sink)
  }
  return builder.build()
}

const { slow } = config
const limits = slow && {
  'session.timeout.ms': slow.sessionTimeoutMs,
  'max.poll.interval.ms': slow.sessionTimeoutMs,
  'heartbeat.interval.ms': slow.sessionTimeoutMs / 10,
}
const transport = kafka({ brokers: config.brokers, consumer: limits })
const app = await start(
  defineApp({
    topology: topology(),
    applicationId: config.applicationId,
    transport: kind === 'stopped-sink' ? transportThatWaits(transport, () => gate) : transport,
    stateDir: config.stateDir,
    logger: silentLogger,
    batch: { size: 1_000, timeoutMs: 20 },
    observer: (event) => {
      if (event.type === 'commit') committed += event.records
      else if (event.type === 'assigned') tasksGiven += event.tasks.length
      else if (event.type === 'revoked' || event.type === 'lost') tasksTaken += event.tasks.length
    },
  }),
)
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
/** What is left after a collection: on the heap and outside of it. */
function liveBytes(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
let reports = 0
function report(): void {
  const rssBytes = process.memoryUsage.rss()
  const weighed = ++reports % REPORTS_A_WEIGHING === 0
  process.send?.({
    rssBytes,
    liveBytes: weighed ? liveBytes() : undefined,
    processed,
    committed,
    tasksGiven,
    tasksTaken,
  } satisfies MemoryReport)
}
setInterval(report, 100)
process.on('disconnect', () => process.exit())
process.on('message', () => openGate())
await app.run()

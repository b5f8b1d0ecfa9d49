import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { pino } from 'pino'
import {
  defineApp,
  type FailurePolicy,
  type KeyValueStoreDefinition,
  type RuntimeEvent,
  serdes,
  start,
  type Transport,
  TopologyBuilder,
} from 'millrace'
import { leveldb } from 'millrace/leveldb'
import { observed } from 'millrace/telemetry'
import { deferred } from './deferred.ts'
import { HeldSink } from './held-sink.ts'
import { samplesIn } from './monitoring.ts'
import { temporaryFolder } from './temporary-folder.ts'

export const TOKEN = 'a-token-of-32-characters-0123456'

const onDisk = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
export const orderSerdes = { key: serdes.string, value: serdes.json<string>() }

/** How long a record of `busy` keeps JavaScript busy. */
const BUSY_MS = 700

type CountStore = KeyValueStoreDefinition<string, number>

export interface SignalsTopics {
  readonly input: string
  readonly output: string
  readonly dead: string
}

/** What a record's value asks for. */
interface Wishes {
  /** Passes with `hold` wait for it. */
  readonly held: ReturnType<typeof deferred>
  /** Records that fail once have failed. */
  readonly failed: Set<string>
}

interface Parts {
  readonly topics: SignalsTopics
  readonly rows: HeldSink
  readonly counts: CountStore
}

function topology({ topics, rows, counts }: Parts, { held, failed }: Wishes) {
  const builder = new TopologyBuilder('signals')
  const counted = builder.source('orders', { topics: [topics.input], ...orderSerdes }).process<string, number>(
    'count',
    async (record, context) => {
      const { key, value } = record
      if (value === 'hold') await held.promise
      if (value === 'busy') keepBusy()
      if (value === 'once' && !failed.has(key)) {
        failed.add(key)
        throw new Error('the first time')
      }
      if (['skip', 'dead', 'down', 'fatal'].includes(value)) throw new RangeError(`it says ${value}`)
      const store = context.store(counts)
      const count = (store.get(key) ?? 0) + 1
      store.set(key, count)
      context.forward({ key, value: count, timestamp: record.timestamp })
    },
    { stores: [counts] },
  )
  counted.sink('totals', { topic: topics.output, key: serdes.string, value: serdes.safeInt64 })
  counted.sinkOutside('rows', rows)
  return builder.build()
}

function keepBusy(): void {
  for (const until = performance.now() + BUSY_MS; performance.now() < until;);
}

/** By what the record says: a serialised string has quotes. */
function policyOf(value: Uint8Array | null): FailurePolicy {
  const says = Buffer.from(value ?? []).toString()
  return says === '"fatal"' ? 'fail' : says === '"dead"' ? 'dead-letter' : 'skip'
}

interface MemberOptions {
  readonly topics: SignalsTopics
  readonly id: string
  readonly onEvent?: (event: RuntimeEvent) => void
  /** Default: one on disk. */
  readonly counts?: CountStore
  /** Default: true. */
  readonly hotStandby?: boolean
}

/** A process of the application, as far as the group can tell, with everything that shows what it does. */
export async function member(
  transport: Transport,
  { topics, id, onEvent = () => undefined, counts = onDisk, hotStandby = true }: MemberOptions,
) {
  const folder = await temporaryFolder()
  const wishes = { held: deferred(), failed: new Set<string>() }
  const rows = new HeldSink()
  const spans = new InMemorySpanExporter()
  const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).getTracer('test')
  const lines: Record<string, unknown>[] = []
  const logger = pino(
    { level: 'debug', base: null },
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  )
  const consumed: { readonly topic: string; readonly partition: number; readonly first: string[] }[] = []
  const telemetry = observed(
    defineApp({
      topology: topology({ topics, rows, counts }, wishes),
      applicationId: `signals-${id}`,
      transport,
      stateDir: folder.path,
      logger: pino({ level: 'silent' }),
      observer: onEvent,
      hotStandby,
      batch: { size: 50, timeoutMs: 5, maxRetries: 1 },
      commit: { intervalMs: 100 },
      failure: {
        decode: 'dead-letter',
        process: ({ value }) => policyOf(value),
        deadLetter: { topic: topics.dead },
        retry: { initialDelayMs: 1 },
        circuitBreaker: { threshold: 1, window: 6, minimum: 6, openMs: 600_000 },
      },
    }),
    {
      http: { port: 0, token: TOKEN, requestsPerSecond: 1_000 },
      ...{ sampleEveryMs: 1, stuckAfterMs: 300, nodeMetrics: true },
      tracing: { tracer, maxSpansPerSecond: Infinity },
      logs: { logger, summaryEveryMs: 0 },
      checkpoints: {
        consumed: ({ topic, partition, headersOf }) => void consumed.push({ topic, partition, first: headersOf(0).map(({ key }) => key) }),
        produced: ({ topic }, carrier) => {
          carrier['checkpoint'] = `to ${topic}`
        },
      },
    },
  )
  const app = await start(telemetry.definition)
  await telemetry.attach(app)
  let running: Promise<unknown> | undefined
  const run = () => {
    running = app.run().catch((error: unknown) => error)
    return running
  }
  const close = async () => {
    wishes.held.resolve()
    await app.close().catch(() => undefined)
    await running
    await telemetry.close()
    await folder[Symbol.asyncDispose]()
  }
  const ask = (path: string) => fetch(`${telemetry.url}${path}`, { headers: { authorization: `Bearer ${TOKEN}` } })
  const ready = async () =>
    (await (await ask('/health/ready')).json()) as { ready: boolean; problems: { reason: string; detail: string; partition?: number }[] }
  const reasons = async () => (await ready()).problems.map(({ reason }) => reason)
  const scrape = async () => samplesIn(await (await ask('/metrics')).text())
  const partitions = () => app.health().tasks.map(({ task }) => Number(task.split('_')[1]))
  const url = telemetry.url ?? ''
  return { app, url, run, close, ask, ready, reasons, scrape, partitions, ...{ wishes, rows, spans, lines, consumed } }
}

export type SignalsMember = Awaited<ReturnType<typeof member>>

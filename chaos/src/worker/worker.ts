import { defineApp, MillraceError, start } from 'millrace'
import { kafka } from 'millrace/kafka'
import { NO_BROKER, NOT_COMMITTED, type WorkerConfig, type WorkerMessage, type WorkerRequest } from './messages.ts'
import { chaosTopology, counts } from './topology.ts'

// One worker, in a process of its own. Its configuration is its argument; it is asked and answers over the channel to its parent. It logs to
// standard error.
const config = JSON.parse(String(process.argv[2])) as WorkerConfig
const { brokers, client, groupProtocol, sessionTimeoutMs } = config

/** What a last commit fails with while brokers are away: it had no more time, or its records had none. */
const NOT_CONFIRMED: ReadonlySet<string> = new Set(['TIMED_OUT', 'DELIVERY_FAILED', 'BROKER_UNREACHABLE'])

function tell(message: WorkerMessage): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}

/** For what fails before the application has begun: it may do better when it is started again. */
function endWithoutBroker(error: unknown): never {
  if (!(error instanceof MillraceError && error.retryable)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(NO_BROKER)
}

const app = await start(
  defineApp({
    topology: chaosTopology(config.topics),
    applicationId: config.applicationId,
    processingGuarantee: config.guarantee,
    transport: kafka({
      brokers,
      client,
      groupProtocol,
      ...(groupProtocol === 'classic' ? { consumer: { 'session.timeout.ms': sessionTimeoutMs } } : {}),
      // Shorter than the session: what a process could not send in time is somebody else's to send.
      ...(config.guarantee === 'at-least-once' ? { producer: { 'message.timeout.ms': sessionTimeoutMs * 0.75 } } : {}),
    }),
    stateDir: config.stateDir,
    batch: { size: 100, timeoutMs: 20 },
    commit: { intervalMs: 100 },
    repartitionPurgeIntervalMs: 500,
    revokeTimeoutMs: sessionTimeoutMs / 2,
    observer: (event) => {
      if (event.type === 'assigned') tell({ type: 'assigned', tasks: event.tasks.length })
      else if (event.type === 'recover') tell({ type: 'recovered', error: event.error.message })
      else if (event.type === 'restore' && event.phase === 'completed') tell({ type: 'restored', records: event.restoredRecords })
    },
  }),
).catch(endWithoutBroker)
let hasRun = false
let closing = false
app.onStateChange((to) => {
  hasRun ||= to === 'running'
})

/** Rejects while some of it is being restored. */
async function state(): Promise<(readonly [string, number])[]> {
  const entries: (readonly [string, number])[] = []
  for await (const page of app.store(counts, { whileRestoring: 'refuse' }).rangePages({})) entries.push(...page)
  return entries
}

const answers: Readonly<
  Record<Exclude<WorkerRequest, 'close'>, () => Promise<{ readonly state?: Awaited<ReturnType<typeof state>> } | void>>
> = {
  'caught-up': () => app.caughtUp(),
  state: async () => ({ state: await state() }),
}

process.on('message', (to: WorkerRequest) => {
  if (to === 'close') {
    closing = true
    // Whether it went well is told by run().
    app.close().catch(() => undefined)
    return
  }
  answers[to]().then(
    (more) => tell({ type: 'answer', to, ...more }),
    (error: unknown) => tell({ type: 'answer', to, error: String(error) }),
  )
})

await app.run().catch((error: unknown) => {
  if (!hasRun) endWithoutBroker(error)
  if (!(closing && error instanceof MillraceError && error.retryable && NOT_CONFIRMED.has(error.code))) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(NOT_COMMITTED)
})
process.disconnect()

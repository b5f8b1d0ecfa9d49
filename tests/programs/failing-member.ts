import { defineApp, silentLogger, start } from 'millrace'
import { kafka } from 'millrace/kafka'
import { answerRequests, tell } from '../support/answer-requests.ts'
import type { FailingMemberConfig } from '../support/failing-member.ts'
import { failingTopology } from '../support/failing-topology.ts'
import { transportWithSteps } from '../support/steps.ts'
import { transportThatWaits } from '../support/transport-with.ts'

// One member of a group whose processor fails with some values, and which may kill itself in the midst of it.
const config = JSON.parse(String(process.argv[2])) as FailingMemberConfig
const { brokers, topics, killAt, sessionTimeoutMs } = config
const bad = new Set(config.bad)
const kill = () => process.kill(process.pid, 'SIGKILL')
const written = { handed: false, flushed: false }
const handed = transportThatWaits(
  kafka({ brokers, consumer: { 'session.timeout.ms': sessionTimeoutMs, 'heartbeat.interval.ms': 300 } }),
  ({ topic }) => {
    if (topic === topics.dead) written.handed = true
    return undefined
  },
)
const transport = transportWithSteps(handed, (step) => {
  if (killAt !== 'dead-letter-written') return
  if (step === 'after-flush' && written.handed) written.flushed = true
  else if (step === 'before-commit' && written.flushed) kill()
})

const app = await start(
  defineApp({
    topology: failingTopology(topics, {
      how: config.how,
      fails: (value) => bad.has(value),
      during({ values }, _, at) {
        if (typeof killAt === 'object' && at === 'end' && values.includes(killAt.value)) kill()
      },
    }),
    applicationId: config.applicationId,
    transport,
    stateDir: config.stateDir,
    logger: silentLogger,
    batch: { size: 10, timeoutMs: config.batchTimeoutMs, maxRetries: 2 },
    failure: {
      acknowledgement: config.acknowledgement,
      process: 'dead-letter',
      retry: { initialDelayMs: config.retryDelayMs, maxDelayMs: Math.max(1, config.retryDelayMs), jitter: 0 },
      deadLetter: { topic: topics.dead },
    },
    commit: { intervalMs: 20 },
    observer: (event) => {
      if (event.type !== 'batch') void tell({ type: 'event', event })
    },
  }),
)
answerRequests(app)
await app.run()

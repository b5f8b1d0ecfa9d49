import { writeFileSync } from 'node:fs'
import { defineApp, MillraceError, serdes, silentLogger, start } from 'millrace'
import { kafka } from 'millrace/kafka'
import { leveldb } from 'millrace/leveldb'
import { inMemory } from 'millrace/memory'
import { answerRequests, tell } from '../support/answer-requests.ts'
import { type MemberConfig, signalledFile } from '../support/member-messages.ts'
import { type AtStep, storeWithSteps, transportWithSteps } from '../support/steps.ts'
import { tracedWordCount } from '../support/traced-word-count.ts'

// One member of a group that counts words. Its configuration is its argument; it is asked and answers over the channel to its parent.
const config = JSON.parse(String(process.argv[2])) as MemberConfig
let commitsLeft = config.signalAt?.afterCommits ?? Infinity
const at: AtStep = (step) => {
  if (commitsLeft <= 0 && step === config.signalAt?.step) {
    commitsLeft = Infinity
    writeFileSync(signalledFile(config.stateDir), '')
    process.kill(process.pid, config.signalAt.signal)
  }
  if (step === 'after-commit') commitsLeft--
}
const { brokers, client, groupProtocol, deliveryTimeoutMs, lingerMs } = config
const consumer = groupProtocol === 'classic' ? { 'session.timeout.ms': config.sessionTimeoutMs, 'heartbeat.interval.ms': 300 } : undefined
const producer = {
  ...(deliveryTimeoutMs === undefined ? {} : { 'message.timeout.ms': deliveryTimeoutMs }),
  ...(lingerMs === undefined ? {} : { 'linger.ms': lingerMs }),
}
const counts = { leveldb, memory: inMemory }[config.backend ?? 'leveldb'].keyValueStore({
  name: 'counts',
  key: serdes.string,
  value: serdes.safeInt64,
  changelog: config.changelog,
})

const app = await start(
  defineApp({
    topology: tracedWordCount(storeWithSteps(counts, at), config.topics),
    applicationId: config.applicationId,
    processingGuarantee: config.processingGuarantee,
    transactionTimeoutMs: 3_000,
    transport: transportWithSteps(kafka({ brokers, client, groupProtocol, consumer, producer }), at),
    stateDir: config.stateDir,
    hotStandby: config.hotStandby,
    logger: silentLogger,
    batch: { size: config.batchSize, timeoutMs: 5 },
    commit: { intervalMs: config.commitIntervalMs },
    observer: (event) => {
      if (event.type !== 'batch') void tell({ type: 'event', event })
    },
  }),
)
answerRequests(app)
try {
  await app.run()
} catch (error) {
  if (!(error instanceof MillraceError)) throw error
  await tell({ type: 'failed', code: error.code, message: error.message })
  process.exit(1)
}

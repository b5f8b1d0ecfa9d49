import type { Transport, TransportAdmin, TransportContext } from '@millrace/core'
import { readCounts } from '../result/read-counts.ts'
import type { Result } from '../result/result.ts'
import { TextFile } from '../text/text-file.ts'
import { writeLines } from '../text/write-lines.ts'
import { aborted, abortedLater } from './aborted.ts'
import { defineWordCount } from './define-word-count.ts'
import { showProgress } from './progress.ts'
import { runApp } from './run-app.ts'
import type { Run } from './run.ts'
import { makeStateFolder } from './state-folder.ts'
import { Tally } from './tally.ts'

const CONNECT_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 20_000
/** How long a text goes on being written after a stop was asked for: half of it in the topic helps nobody. */
const FINISH_WRITING_MS = 10_000
const STATE_DIR = './state'

/** Counts what the input topic holds, after the text has been written to it if there is one. */
export async function countOnKafka(run: Run): Promise<Result> {
  const { settings, logger, stop, say } = run
  const { brokers = '', inputTopic, outputTopic, applicationId, stateDir = STATE_DIR } = settings
  const context: TransportContext = { logger }
  await using text = settings.file === undefined ? undefined : await TextFile.open(settings.file)
  const { kafka } = await import('millrace/kafka')
  const transport = kafka({ brokers, connectTimeoutMs: CONNECT_TIMEOUT_MS, requestTimeoutMs: REQUEST_TIMEOUT_MS })
  await using admin = await transport.openAdmin(context)
  await makeStateFolder(stateDir)
  await createTopics(admin, run)
  if (text !== undefined) await writeText(text, transport, run)

  const tally = new Tally(inputTopic)
  const seconds = await runApp({
    definition: defineWordCount(settings, { transport, stateDir, logger, observer: tally.observe }),
    stop,
    async work(app) {
      if (!settings.untilCaughtUp) say(`counting the words of topic '${inputTopic}' until SIGINT or SIGTERM`)
      using _progress = showProgress({ tally, totalBytes: 0 })
      await (settings.untilCaughtUp ? app.caughtUp() : aborted(stop))
    },
  })

  const { counts } = await readCounts({ transport, context, admin, topic: outputTopic })
  const lines = await linesDone(admin, applicationId, inputTopic)
  return { lines, counts, run: { records: tally.records, batches: tally.batches, seconds } }
}

async function createTopics(admin: TransportAdmin, { settings, say }: Run): Promise<void> {
  const { inputTopic, outputTopic, partitions, partitionsGiven } = settings
  const topics = [inputTopic, outputTopic]
  const existing = new Map((await admin.describeTopics(topics)).map((one) => [one.topic, one.partitions]))
  const missing = topics.filter((topic) => !existing.has(topic))
  if (missing.length > 0) await admin.createTopics(missing.map((topic) => ({ topic, partitions })))
  for (const [topic, actual] of existing) {
    if (partitionsGiven && actual !== partitions) say(`topic '${topic}' exists with ${actual} partitions, and keeps them`)
  }
}

async function writeText(text: TextFile, transport: Transport, { settings, logger, stop, say }: Run): Promise<void> {
  const signal = abortedLater(stop, FINISH_WRITING_MS)
  await using writer = await transport.openWriter({ clientId: `${settings.applicationId}-text` }, { logger })
  const lines = await writeLines({ text, topic: settings.inputTopic, writer, signal })
  if (signal.aborted) say(`stopped while '${text.path}' was being written to topic '${settings.inputTopic}': it has ${lines} lines of it`)
}

/** Lines of the input topic whose words have been found, by this run or others of the application. */
async function linesDone(admin: TransportAdmin, applicationId: string, topic: string): Promise<number> {
  const [description] = await admin.describeTopics([topic])
  const partitions = Array.from({ length: description?.partitions ?? 0 }, (_, partition) => ({ topic, partition }))
  const [begins, done] = await Promise.all([admin.beginningOffsets(partitions), admin.committedOffsets(applicationId, partitions)])
  const firsts = new Map(begins.map(({ partition, offset }) => [partition, offset]))
  return done.reduce((lines, { partition, offset }) => lines + Math.max(0, offset - (firsts.get(partition) ?? 0)), 0)
}

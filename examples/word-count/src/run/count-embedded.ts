import type { TransportContext } from '@millrace/core'
import { memory } from 'millrace/memory'
import { readCounts } from '../result/read-counts.ts'
import { type Result, wordsOf } from '../result/result.ts'
import { BUNDLED_TEXT } from '../text/bundled-text.ts'
import { TextFile } from '../text/text-file.ts'
import { writeLines } from '../text/write-lines.ts'
import { defineWordCount } from './define-word-count.ts'
import { showProgress } from './progress.ts'
import { runApp } from './run-app.ts'
import type { Run } from './run.ts'
import { temporaryStateFolder } from './state-folder.ts'
import { Tally } from './tally.ts'

/** The embedded log takes lines of any length, and the words of one must fit into one pass: it is memory alone that sets a bound. */
const MAX_OUTPUT_BYTES = 8_589_934_592

/** Counts a text on an embedded log, which is written while the application runs and is gone afterwards, as is the state. */
export async function countEmbedded({ settings, logger, stop, say }: Run): Promise<Result> {
  const { inputTopic, outputTopic, partitions } = settings
  const context: TransportContext = { logger }
  await using text = await TextFile.open(settings.file ?? BUNDLED_TEXT)
  await using folder = await temporaryStateFolder(settings.stateDir)
  const transport = memory()
  await using admin = await transport.openAdmin(context)
  await admin.createTopics([inputTopic, outputTopic].map((topic) => ({ topic, partitions })))

  const tally = new Tally(inputTopic)
  let lines = 0
  const seconds = await runApp({
    definition: defineWordCount(settings, {
      transport,
      stateDir: folder.path,
      logger,
      observer: tally.observe,
      maxOutputBytes: MAX_OUTPUT_BYTES,
    }),
    stop,
    async work(app) {
      using _progress = showProgress({ tally, totalBytes: text.bytes })
      await using writer = await transport.openWriter({ clientId: 'word-count-text' }, context)
      lines = await writeLines({ text, topic: inputTopic, writer, signal: stop })
      if (!stop.aborted) await app.caughtUp()
    },
  })
  if (stop.aborted) say(`stopped, perhaps before the end: ${lines} lines had been read`)

  const { counts, records } = await readCounts({ transport, context, admin, topic: outputTopic })
  const result = { lines, counts, run: { records: tally.records, batches: tally.batches, seconds } }
  // A record for each word, 1, 2, 3...: there can be more only if the engine had to do some again.
  if (records < wordsOf(result)) throw new Error(`The output topic holds ${records} records, but its counts add up to ${wordsOf(result)}.`)
  return result
}

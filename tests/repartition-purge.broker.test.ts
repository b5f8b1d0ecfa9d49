import { randomUUID } from 'node:crypto'
import { expect, inject, test } from 'vitest'
import { defineApp, silentLogger, start } from 'millrace'
import { kafka } from 'millrace/kafka'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, inputSerdes, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'

test.each(['at-least-once', 'exactly-once'] as const)(
  'the broker deletes what was read and committed of a repartition topic, %s, and no more',
  async (processingGuarantee) => {
    await using folder = await temporaryFolder()
    const transport = kafka({ brokers: inject('kafkaBrokers') })
    await using log = await LogClient.open(transport)
    const id = randomUUID().slice(0, 8)
    const topics = { input: `lines-${id}`, output: `counts-${id}` }
    await log.createTopics({ [topics.input]: 2, [topics.output]: 2 })
    const lines = someLines(300)
    const send = (some: readonly string[]) =>
      log.write(
        topics.input,
        inputSerdes,
        some.map((value) => ({ key: null, value })),
      )
    await send(lines.slice(0, 200))
    const app = await start(
      defineApp({
        topology: wordCountTopology({ topics }),
        applicationId: `purged-${id}`,
        transport,
        stateDir: folder.path,
        processingGuarantee,
        logger: silentLogger,
        batch: { size: 20, timeoutMs: 5 },
        commit: { intervalMs: 100 },
        repartitionPurgeIntervalMs: 200,
      }),
    )
    const running = app.run()
    await app.caughtUp()
    const partitions = [0, 1].map((partition) => ({ topic: `purged-${id}-by-word-repartition`, partition }))
    const committed = () => log.admin.committedOffsets(`purged-${id}`, partitions)
    const offsetsOf = (all: readonly { readonly partition: number; readonly offset: number }[]) => all.map(({ offset }) => offset)
    // Another commit may follow, with a position behind the mark of a transaction's end: what is gone is looked up first.
    const kept = async (): Promise<number[]> => {
      const begins = offsetsOf(await log.admin.beginningOffsets(partitions))
      return offsetsOf(await committed()).map((offset, index) => offset - (begins[index] ?? 0))
    }
    await expect.poll(kept).toEqual([0, 0])
    expect(offsetsOf(await committed()).every((offset) => offset > 0)).toBe(true)
    // What comes afterwards is read from behind what is gone.
    await send(lines.slice(200))
    await app.caughtUp()
    await app.close()
    await running
    const counts = new Map((await log.readAll(topics.output, outputSerdes)).map(({ key, value }) => [key, value]))
    expect(counts).toEqual(countWords(lines))
  },
)

import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { serializeColumn, viewColumn } from '@millrace/core'
import { expect, test } from 'vitest'
import { type App, defineApp, MillraceError, type ProcessingGuarantee, serdes, silentLogger, start } from 'millrace'
import { kafka } from 'millrace/kafka'
import { leveldb } from 'millrace/leveldb'
import { openBroker } from '../tools/broker/broker.mjs'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'

const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
const guarantees = ['at-least-once', 'exactly-once'] as const
/** The cluster notices within five seconds that a node is gone. */
const AWAY_MS = 8_000

/** Three nodes; each partition is on two of them, and takes nothing unless both are there. */
async function openCluster() {
  const { KAFKA_BROKERS: _given, ...env } = process.env
  const broker = await openBroker({ nodes: 3 }, env)
  return { ...broker, [Symbol.asyncDispose]: () => broker.stop() }
}

/** Questions to brokers that come and go may be answered too late. */
async function caughtUp(app: App): Promise<void> {
  for (;;) {
    try {
      await app.caughtUp()
      return
    } catch (error) {
      if (app.state === 'error' || !(error instanceof MillraceError && error.retryable)) throw error
    }
  }
}

test(
  'nodes that are killed one after the other: leaders move, partitions have too few replicas for a while, and nothing is lost; exactly once, nothing is repeated either',
  { timeout: 240_000 },
  async () => {
    await using cluster = await openCluster()
    await using folder = await temporaryFolder()
    const { brokers } = cluster
    await using log = await LogClient.open(kafka({ brokers }))
    await log.admin.createTopics(
      ['lines', ...guarantees].map((topic) => ({ topic, partitions: 4, replicationFactor: 2, config: { 'retention.ms': '-1' } })),
    )
    const open = async (processingGuarantee: ProcessingGuarantee) => {
      const app = await start(
        defineApp({
          topology: wordCountTopology({ counts, topics: { input: 'lines', output: processingGuarantee } }),
          applicationId: `count-${processingGuarantee}`,
          transport: kafka({ brokers }),
          stateDir: join(folder.path, processingGuarantee),
          processingGuarantee,
          replicationFactor: 2,
          logger: silentLogger,
          batch: { size: 20, timeoutMs: 5 },
          commit: { intervalMs: 200 },
        }),
      )
      return { app, running: app.run() }
    }
    const apps = await Promise.all(guarantees.map(open))
    // Kept open: to open another, there must be a broker that answers.
    await using input = await kafka({ brokers, producer: { 'message.timeout.ms': 120_000 } }).openWriter(
      { clientId: 'input' },
      { logger: silentLogger },
    )
    const lines: string[] = []
    let going = true
    const writing = (async () => {
      while (going) {
        const more = someLines(50, lines.length + 1)
        await input.writeBatch({
          topic: 'lines',
          length: more.length,
          keys: viewColumn(more.map(() => null)),
          values: serializeColumn(serdes.string, more),
          timestamps: more.map((_, i) => 1_700_000_000_000 + lines.length + i),
        })
        lines.push(...more)
        await pause(100)
      }
      expect(await input.flush()).toEqual([])
    })()
    for (const node of [0, 1, 2]) {
      await cluster.kill(node)
      await pause(AWAY_MS)
      await cluster.restart(node)
      await pause(AWAY_MS / 2)
    }
    going = false
    await writing
    for (const { app, running } of apps) {
      await caughtUp(app)
      await app.close()
      await running
    }
    const truth = countWords(lines)
    const countsIn = async (topic: string) => {
      const all = new Map<string, number[]>()
      for (const { key, value } of await log.readAll(topic, outputSerdes)) all.set(key, [...(all.get(key) ?? []), value])
      return all
    }
    const atLeast = await countsIn('at-least-once')
    expect([...truth].filter(([word, count]) => Math.max(0, ...(atLeast.get(word) ?? [])) < count)).toEqual([])
    const exact = await countsIn('exactly-once')
    expect(exact).toEqual(new Map([...truth].map(([word, count]) => [word, Array.from({ length: count }, (_, i) => i + 1)])))
  },
)

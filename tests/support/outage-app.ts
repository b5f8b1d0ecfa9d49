import { join } from 'node:path'
import { type AppDefinition, defineApp, type Logger, serdes } from 'millrace'
import { kafka } from 'millrace/kafka'
import { leveldb } from 'millrace/leveldb'
import { LogClient } from './log-client.ts'
import { countWords, inputSerdes, outputSerdes, wordCountTopology } from './word-count-topology.ts'

const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })

export function countingLogger() {
  const lines: { readonly message: string; readonly err: unknown }[] = []
  const log: Logger['info'] = (fields, message) => void lines.push({ message, err: (fields as { err?: unknown }).err })
  const logger: Logger = { debug: () => undefined, info: log, warn: log, error: log }
  return { lines, logger }
}

export const SHORT_SESSION = { 'session.timeout.ms': 6_000 }

export type GroupProtocol = 'classic' | 'consumer'

export function wordCount(
  brokers: string,
  stateDir: string,
  overrides: Partial<AppDefinition> & { readonly groupProtocol?: GroupProtocol } = {},
) {
  const { groupProtocol = 'classic', ...definition } = overrides
  const consumer = groupProtocol === 'classic' ? SHORT_SESSION : undefined
  return defineApp({
    topology: wordCountTopology({ counts, topics: topicsOf(groupProtocol) }),
    applicationId: `word-count-${groupProtocol}`,
    transport: kafka({ brokers, groupProtocol, consumer }),
    stateDir: join(stateDir, groupProtocol),
    batch: { size: 20, timeoutMs: 5 },
    ...definition,
  })
}

function topicsOf(groupProtocol: GroupProtocol) {
  return { input: `lines-${groupProtocol}`, output: `word-counts-${groupProtocol}` }
}

export async function withTopics(brokers: string, groupProtocol: GroupProtocol = 'classic') {
  const log = await LogClient.open(kafka({ brokers }))
  const topics = topicsOf(groupProtocol)
  await log.createTopics({ [topics.input]: 2, [topics.output]: 2 })
  const send = (lines: readonly string[]) =>
    log.write(
      topics.input,
      inputSerdes,
      lines.map((value) => ({ key: null, value })),
    )
  /** The words of which less has been counted than there is in the lines. */
  const lostOf = async (lines: readonly string[]) => {
    const last = new Map<string, number>()
    for (const { key, value } of await log.readAll(topics.output, outputSerdes)) last.set(key, Math.max(value, last.get(key) ?? 0))
    return [...countWords(lines)].filter(([word, count]) => (last.get(word) ?? 0) < count)
  }
  return { log, send, lostOf, [Symbol.asyncDispose]: () => log[Symbol.asyncDispose]() }
}

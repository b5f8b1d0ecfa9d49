import { expect } from 'vitest'
import { type AppDefinition, defineApp, type Logger, type RuntimeEvent, serdes, start, type Transport } from 'millrace'
import { leveldb } from 'millrace/leveldb'
import { memory, type MemoryTransport } from 'millrace/memory'
import { LogClient } from './log-client.ts'
import { countWords, inputSerdes, outputSerdes, wordCountTopology } from './word-count-topology.ts'

export const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
export const applicationId = 'restores'

export interface Run {
  readonly events: readonly RuntimeEvent[]
  /** What was logged as an error. */
  readonly errors: readonly { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[]
}

/** Counts all words there are, with LevelDB as the store, and closes. */
export async function count(transport: Transport, stateDir: string, overrides: Partial<AppDefinition> = {}): Promise<Run> {
  const events: RuntimeEvent[] = []
  const errors: Run['errors'][number][] = []
  const nothing = () => undefined
  const error: Logger['error'] = (fields, message) => errors.push({ message, fields: { ...fields } })
  const app = await start(
    defineApp({
      topology: wordCountTopology({ counts }),
      applicationId,
      transport,
      stateDir,
      logger: { debug: nothing, info: nothing, warn: nothing, error },
      batch: { size: 50, timeoutMs: 1 },
      commit: { records: 200 },
      observer: (event) => events.push(event),
      ...overrides,
    }),
  )
  const running = app.run()
  try {
    await app.caughtUp()
  } finally {
    // Its end, if it failed, says why.
    await app.close().catch(() => undefined)
    await running
  }
  return { events, errors }
}

/** How many records were read back from changelogs. */
export function restoredRecords({ events }: Run): number {
  return events.reduce((sum, event) => (event.type === 'restore' && event.phase === 'completed' ? sum + event.restoredRecords : sum), 0)
}

/** An embedded log with lines to be counted. */
export async function someInput(lines: readonly string[]): Promise<{ readonly transport: MemoryTransport; readonly log: LogClient }> {
  const transport = memory()
  const log = await LogClient.open(transport)
  await log.createTopics({ lines: 2, 'word-counts': 2 })
  await send(log, lines)
  return { transport, log }
}

export function send(log: LogClient, lines: readonly string[]): Promise<void> {
  return log.write(
    'lines',
    inputSerdes,
    lines.map((value) => ({ key: null, value })),
  )
}

/** Every word was counted one by one, without a gap or a repetition, up to its true count. */
export async function expectExact(log: LogClient, lines: readonly string[]): Promise<void> {
  const last = new Map<string, number>()
  for (const { key, value } of await log.readAll('word-counts', outputSerdes)) {
    expect(value).toBe((last.get(key) ?? 0) + 1)
    last.set(key, value)
  }
  expect(last).toEqual(countWords(lines))
}

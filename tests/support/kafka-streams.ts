import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { countingApp } from '../../tools/kafka-streams/counting-app.mjs'
import { temporaryFolder } from './temporary-folder.ts'

/** What a store holds, in the order of key and time. */
export interface CountEntry {
  readonly key: string
  readonly value: number
  /** What a timestamped store keeps with the value. */
  readonly timestamp?: number
  /** Of a window or session. */
  readonly start?: number
  /** Of a session. */
  readonly end?: number
}

export interface CountingRun {
  readonly brokers: string
  readonly applicationId: string
  readonly input: string
  readonly store: string
  readonly kind: 'key-value' | 'timestamped' | 'window' | 'session'
  /** How many records it counts before it ends. 0: it only restores. */
  readonly records: number
  /** Of windows and sessions; see `tests/kafka-streams/CountingApp.java`. */
  readonly times?: { readonly windowMs: number; readonly graceMs: number; readonly retentionMs: number }
}

/** Only tells what hangs. */
const LIMIT_MS = 110_000

/** Makes the Java program, where that is not done yet. Rejects with what is missing for it. */
export async function prepareKafkaStreams(): Promise<void> {
  await countingApp((message) => process.stderr.write(`${message}\n`))
}

/**
 * Runs a Kafka Streams application without local state to its end, so that it begins with what the changelog of its store holds. Resolves with what the
 * store held at the end; its input is committed, and its group is empty.
 */
export async function countWithKafkaStreams(run: CountingRun): Promise<CountEntry[]> {
  const program = await countingApp(() => undefined)
  await using stateDir = await temporaryFolder()
  const { windowMs = 0, graceMs = 0, retentionMs = 0 } = run.times ?? {}
  const given = {
    brokers: run.brokers,
    'application-id': run.applicationId,
    'state-dir': stateDir.path,
    input: run.input,
    store: run.store,
    kind: run.kind,
    records: run.records,
    'window-ms': windowMs,
    'grace-ms': graceMs,
    'retention-ms': retentionMs,
  }
  const args = Object.entries(given).flatMap(([name, value]) => [`--${name}`, String(value)])
  // What went wrong is in the error's message, with what the program said.
  const { stdout } = await promisify(execFile)('java', [...program, ...args], { timeout: LIMIT_MS, killSignal: 'SIGKILL' })
  return inOrder(stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as CountEntry])))
}

/** By key, then by time. */
export function inOrder(entries: readonly CountEntry[]): CountEntry[] {
  return entries.toSorted((a, b) => (a.key === b.key ? (a.start ?? 0) - (b.start ?? 0) : a.key < b.key ? -1 : 1))
}

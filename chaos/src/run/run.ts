import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafka } from 'millrace/kafka'
import { check } from '../check/check.ts'
import type { Fault, Settings } from '../command-line/settings.ts'
import { inputSerdes, outputSerdes, stateSerdes } from '../worker/topology.ts'
import type { OpenBroker } from './broker.ts'
import { doHarm } from './faults.ts'
import { writeInput } from './input.ts'
import { Random } from './random.ts'
import { createTopics, readTopic } from './topics.ts'
import { type Happened, Workers } from './workers.ts'

/** So short that a minute sees several take-overs. */
const SESSION_TIMEOUT_MS = 6_000
/** What the workers may take, when nothing is done to them any more, to be done with all input. */
const SETTLE_MS = 120_000

export interface Result {
  readonly settings: Settings
  readonly faults: Readonly<Record<Fault, number>>
  readonly happened: Happened
  readonly inputs: number
  readonly outputs: number
  /** Nothing: all is as it should be. */
  readonly wrong: readonly string[]
  /** The last errors that workers logged, if something is wrong. */
  readonly complaints: readonly string[]
}

export interface RunTools {
  readonly openBroker: OpenBroker
  readonly say: (line: string) => void
}

/** One run: input all the while, harm as long as `seconds`, then all is left to settle, and checked. */
export async function run(settings: Settings, { openBroker, say }: RunTools): Promise<Result> {
  const { guarantee, seconds, workers: count, seed, faults, groupProtocol, partitions, keys, rate, log } = settings
  say(`chaos: ${guarantee}, ${count} workers, ${seconds} s, faults: ${faults.join(', ')}; seed ${seed}`)
  const folder = await mkdtemp(join(tmpdir(), 'millrace-chaos-'))
  const broker = settings.brokers === undefined ? await openBroker({ nodes: 1, say }) : undefined
  const brokers = settings.brokers ?? broker?.brokers ?? ''
  const applicationId = `chaos-${randomUUID().slice(0, 8)}`
  const topics = { input: `${applicationId}-input`, output: `${applicationId}-output` }
  const transport = kafka({ brokers })
  const config = { guarantee, groupProtocol, brokers, applicationId, topics, sessionTimeoutMs: SESSION_TIMEOUT_MS }
  const workers = new Workers({ count, config, folder, log, say })
  const random = new Random(seed)
  try {
    await createTopics(transport, [topics.input, topics.output], partitions)
    for (const number of workers.all) workers.start(number)
    const stop = new AbortController()
    const writing = writeInput({ transport, topic: topics.input, keys, rate, random: new Random(seed + 1), stopped: stop.signal })
    const untilMs = performance.now() + seconds * 1_000
    const sessionTimeoutMs = SESSION_TIMEOUT_MS
    const harm = doHarm({ kinds: faults, random, workers, broker, sessionTimeoutMs, untilMs, stopped: stop.signal, say })
    // Input that can't be written ends the run; nobody starts a worker again then.
    await Promise.race([harm, writing]).finally(() => stop.abort())
    const { done, problems } = await harm
    await writing
    say('nothing more is done to it; waiting for the workers to be done with all input')
    const wrong = [...problems, ...(await settle(workers))]
    const states = await statesOf(workers, wrong)
    for (const number of workers.all) await workers.end(number, 'close').catch((error: unknown) => wrong.push(String(error)))
    const input = await readTopic(transport, topics.input, inputSerdes)
    const output = await readTopic(transport, topics.output, outputSerdes)
    const changelog = await readTopic(transport, `${applicationId}-counts-changelog`, stateSerdes)
    wrong.push(...workers.unasked.map((how) => `ended by itself: ${how}`), ...check(guarantee, { input, output, changelog, states }))
    const complaints = wrong.length === 0 ? [] : await workers.complaints()
    return { settings, faults: done, happened: workers.happened, inputs: input.length, outputs: output.length, wrong, complaints }
  } finally {
    await workers.dispose()
    await broker?.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Resolves when all input is committed, to what went wrong meanwhile. */
async function settle(workers: Workers): Promise<string[]> {
  const [first] = workers.all as [number]
  const timer = AbortSignal.timeout(SETTLE_MS)
  const late = new Promise<never>((_, reject) =>
    timer.addEventListener('abort', () =>
      reject(new Error(`The workers were not done with all input ${SETTLE_MS / 1_000} s after the last fault.`)),
    ),
  )
  return Promise.race([workers.ask(first, 'caught-up'), late]).then(
    () => [],
    (error: unknown) => [String(error)],
  )
}

/** The local state of all workers together. */
async function statesOf(workers: Workers, wrong: string[]): Promise<Map<string, number>> {
  const states = new Map<string, number>()
  for (const number of workers.all) {
    try {
      for (const [key, count] of (await workers.ask(number, 'state')).state ?? []) states.set(key, count)
    } catch (error) {
      wrong.push(String(error))
    }
  }
  return states
}

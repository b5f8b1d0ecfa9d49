import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
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
const ASK_AGAIN_MS = 200

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
  const { guarantee, seconds, workers: count, seed, faults, groupProtocol, client, nodes, partitions, keys, rate, log } = settings
  say(`chaos: ${guarantee}, client ${client ?? 'by default'}, ${count} workers, ${seconds} s, faults: ${faults.join(', ')}; seed ${seed}`)
  const folder = await mkdtemp(join(tmpdir(), 'millrace-chaos-'))
  const broker = settings.brokers === undefined ? await openBroker({ nodes, say }) : undefined
  const brokers = settings.brokers ?? broker?.brokers ?? ''
  const applicationId = `chaos-${randomUUID().slice(0, 8)}`
  const topics = { input: `${applicationId}-input`, output: `${applicationId}-output` }
  const transport = kafka({ brokers, client })
  const config = { guarantee, groupProtocol, client, brokers, applicationId, topics, sessionTimeoutMs: SESSION_TIMEOUT_MS }
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
    const input = await readTopic(transport, topics.input, inputSerdes)
    const states = await statesOf(workers, new Set(input.map(({ value }) => value.key)), wrong)
    for (const number of workers.all) await workers.end(number, 'close').catch((error: unknown) => wrong.push(String(error)))
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

/**
 * The local state of all workers together, once they have all of `keys`: the group may still be giving tasks to a worker that was started
 * last, and their state is read again first. What a time as long as settling does not bring is left out, and why is said in `wrong`.
 */
async function statesOf(workers: Workers, keys: ReadonlySet<string>, wrong: string[]): Promise<Map<string, number>> {
  const untilMs = performance.now() + SETTLE_MS
  for (;;) {
    const states = new Map<string, number>()
    const problems: string[] = []
    for (const number of workers.all) {
      try {
        // Counts only grow: of two workers the one with less has lost the key to the other, and does not know it yet.
        for (const [key, count] of (await workers.ask(number, 'state')).state ?? []) states.set(key, Math.max(count, states.get(key) ?? 0))
      } catch (error) {
        problems.push(String(error))
      }
    }
    if (problems.length === 0 && [...keys].every((key) => states.has(key))) return states
    if (performance.now() >= untilMs) {
      wrong.push(...problems)
      return states
    }
    await sleep(ASK_AGAIN_MS)
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../command-line/settings.ts'
import type { OwnBroker } from './broker.ts'
import type { Random } from './random.ts'
import { LastCommitLate } from './worker-process.ts'
import type { Workers } from './workers.ts'

/** Between two faults. */
const PAUSE_MS = [500, 2_500] as const
/** What a worker that was ended stays away for. */
const AWAY_MS = [0, 2_000] as const
/** Longer than the session by this. */
const STOOD_STILL_MS = [500, 4_000] as const
const BROKER_AWAY_MS = [500, 4_000] as const

export interface FaultsOptions {
  readonly kinds: readonly Fault[]
  readonly random: Random
  readonly workers: Workers
  readonly broker: OwnBroker | undefined
  readonly sessionTimeoutMs: number
  readonly untilMs: number
  /** Ends it before its time. */
  readonly stopped: AbortSignal
  readonly say: (line: string) => void
}

export interface Harm {
  /** How often it did what. */
  readonly done: Readonly<Record<Fault, number>>
  /** What did not go as it should: a worker that could not be closed in order, say. */
  readonly problems: readonly string[]
}

/** Which worker or broker, and for how long. */
interface Harmed {
  readonly number: number
  readonly node: number
  readonly waitMs: number
}

/** Does harm at random moments until the time is over; resolves when all of it is over too. */
export async function doHarm(options: FaultsOptions): Promise<Harm> {
  const { kinds, random, workers, broker, untilMs, stopped, say, sessionTimeoutMs } = options
  const done: Record<Fault, number> = { kill: 0, close: 0, pause: 0, state: 0, broker: 0 }
  const problems: string[] = []
  const underWay = new Set<Promise<void>>()
  const began = performance.now()
  let brokerAway = false
  /** When the broker was last away, milliseconds: since it was killed, until members had the time to find it again. */
  let lastAway = { from: Number.POSITIVE_INFINITY, until: Number.POSITIVE_INFINITY }
  const isOver = () => stopped.aborted || performance.now() >= untilMs
  while (kinds.length > 0 && !isOver()) {
    await sleep(random.between(...PAUSE_MS))
    const kind = random.of(kinds)
    // Drawn in any case, so that the same seed goes on in the same way.
    const number = random.below(workers.all.length)
    const node = random.below(broker?.nodes.length ?? 1)
    const waitMs = waitOf(kind, options)
    const possible = kind === 'broker' ? !brokerAway : workers.going.includes(number)
    if (!possible || isOver()) continue
    done[kind]++
    const seconds = ((performance.now() - began) / 1_000).toFixed(1)
    say(`${seconds.padStart(6)} s  ${kind === 'broker' ? `broker ${node} restarted` : `worker ${number}: ${kind}`} (${waitMs} ms)`)
    const startedAt = performance.now()
    if (kind === 'broker') {
      brokerAway = true
      lastAway = { from: startedAt, until: Number.POSITIVE_INFINITY }
    }
    const harm = harmOf(kind, { number, node, waitMs }, options)
      .catch((error: unknown) => {
        if (error instanceof LastCommitLate && lastAway.from < performance.now() && startedAt < lastAway.until) {
          say(`worker ${number} could not commit before it was closed: the broker was away`)
        } else problems.push(`${seconds} s: ${String(error)}`)
      })
      .then(() => {
        if (kind === 'broker') {
          brokerAway = false
          lastAway = { ...lastAway, until: performance.now() + sessionTimeoutMs }
        }
        underWay.delete(harm)
      })
    underWay.add(harm)
  }
  await Promise.all(underWay)
  return { done, problems }
}

function waitOf(kind: Fault, { random, sessionTimeoutMs }: FaultsOptions): number {
  if (kind === 'pause') return sessionTimeoutMs + random.between(...STOOD_STILL_MS)
  const [least, most] = kind === 'broker' ? BROKER_AWAY_MS : AWAY_MS
  return random.between(least, most)
}

async function harmOf(kind: Fault, { number, node, waitMs }: Harmed, { workers, broker }: FaultsOptions): Promise<void> {
  if (kind === 'broker') {
    await broker?.kill(node)
    await sleep(waitMs)
    await broker?.restart(node)
    return
  }
  if (kind === 'pause') {
    const worker = workers.get(number)
    worker.pause()
    await sleep(waitMs)
    worker.goOn()
    return
  }
  try {
    await workers.end(number, kind === 'close' ? 'close' : 'kill')
    if (kind === 'state') await workers.dropState(number)
    await sleep(waitMs)
  } finally {
    workers.start(number)
  }
}

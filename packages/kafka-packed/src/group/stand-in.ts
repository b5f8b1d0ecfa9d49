import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { BrokerAddress, ResolvedConnectOptions } from '../cluster/connection-options.ts'
import type { GroupMetadata } from '../wire/group-metadata.ts'
import type { MemberReport } from './consumer-group-heartbeat.ts'
import type { ResolvedGroupOptions } from './group-options.ts'

const WORKER = fileURLToPath(new URL('./heartbeat-worker.js', import.meta.url))

/** What the thread is started with. */
export interface StandInData {
  /** Signs of life of this side; heartbeats of the thread; whether the thread has left the group; the member's epoch. */
  readonly counters: SharedArrayBuffer
  /** Silent for longer, this side is taken to be stuck. */
  readonly limitMs: number
  readonly connect: Pick<ResolvedConnectOptions, 'clientId' | 'connectTimeoutMs' | 'requestTimeoutMs' | 'tls' | 'sasl'>
}

/** For whom the thread stands in, and where. Empty: for nobody. */
export interface StandInOrder {
  readonly member?: GroupMetadata | undefined
  readonly address?: BrokerAddress | undefined
  /** Between two heartbeats, in milliseconds. */
  readonly intervalMs?: number | undefined
  /** Of members of KIP-848. */
  readonly report?: MemberReport | undefined
}

const [SIGNS, BEATS, LEFT, EPOCH] = [0, 1, 2, 3] as const

/**
 * A thread that sends heartbeats, over a connection of its own, while this one is busy; for as long as a rebalance may wait, then it leaves. It looks at signs of
 * life, and does nothing as long as there are new ones: whatever the group answers is learnt by who is busy, later.
 */
export class StandIn {
  readonly #counters: Int32Array
  readonly #worker: Worker | undefined
  #beats = 0

  /** `onLost`: told when the thread dies, and nobody stands in any more. */
  constructor({ rebalanceTimeoutMs, connect }: ResolvedGroupOptions, onLost: (error: Error) => void) {
    const { clientId, connectTimeoutMs, requestTimeoutMs, tls, sasl } = connect
    const counters = new SharedArrayBuffer(4 * Int32Array.BYTES_PER_ELEMENT)
    this.#counters = new Int32Array(counters)
    const data: StandInData = {
      counters,
      limitMs: rebalanceTimeoutMs,
      connect: { clientId, connectTimeoutMs, requestTimeoutMs, tls, sasl },
    }
    this.#worker = start(data)
    this.#worker?.on('error', onLost)
  }

  /** Of this side. */
  sign(): void {
    Atomics.add(this.#counters, SIGNS, 1)
  }

  /** Whether it has sent heartbeats, that were taken, since it was asked last. */
  takeBeats(): boolean {
    const beats = Atomics.load(this.#counters, BEATS)
    const hasBeaten = beats !== this.#beats
    this.#beats = beats
    return hasBeaten
  }

  /** Whether it has left the group since {@link takeLeft} was asked last. */
  get hasLeft(): boolean {
    return Atomics.load(this.#counters, LEFT) === 1
  }

  /** Whether it has left the group since this was asked last. */
  takeLeft(): boolean {
    return Atomics.exchange(this.#counters, LEFT, 0) === 1
  }

  /** The member's epoch as it was ordered, or as the thread was told since; 0: it has none. */
  get toldEpoch(): number {
    return Atomics.load(this.#counters, EPOCH)
  }

  /** Of a member that it stands in for already it goes on by what it was told: until a heartbeat of this side has said that, nobody else knows. */
  order(order: StandInOrder): void {
    const { member, report } = order
    const hasEpoch = member !== undefined && report !== undefined
    const generation = hasEpoch ? Math.max(member.generation, this.toldEpoch) : 0
    Atomics.store(this.#counters, EPOCH, generation)
    this.#worker?.postMessage(hasEpoch ? { ...order, member: { ...member, generation } } : order)
  }

  async close(): Promise<void> {
    await this.#worker?.terminate()
  }
}

/** Without one where functions say how to log in or whom to trust: they can't go to another thread. */
function start(data: StandInData): Worker | undefined {
  try {
    const worker = new Worker(WORKER, { workerData: data, execArgv: [], stdout: false })
    worker.unref()
    return worker
  } catch (error) {
    if ((error as Error).name === 'DataCloneError') return undefined
    throw error
  }
}

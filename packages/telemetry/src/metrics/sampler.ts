import { type AppHealth, type AppState, type Logger, MillraceError, type PartitionLag, type StoreSize } from '@millrace/core'
import { settledWithin } from '../internal/within.ts'
import type { ObservedApp } from '../observed-app.ts'
import { CIRCUIT_VALUES } from './circuit-values.ts'
import { EventLoopDelay } from './event-loop-delay.ts'
import type { Series } from './family.ts'
import type { Readiness } from '../health/readiness.ts'
import type { Recorder } from './recorder.ts'

/** How long whoever asks for metrics waits for a broker's answer. What comes later is shown the next time. */
const ANSWER_MS = 2_000
const APP_STATES: readonly AppState[] = ['created', 'rebalancing', 'running', 'pending-shutdown', 'not-running', 'pending-error', 'error']
const THREAD_STATES = [...APP_STATES, 'died'] as const
const TASK_STATES = ['created', 'restoring', 'running', 'finishing'] as const

export interface SamplerOptions {
  readonly recorder: Recorder
  readonly readiness: Readiness
  /** What is asked of brokers and stores is asked at most so often, in milliseconds. */
  readonly everyMs: number
  readonly logger: Logger
  /** Counts what waits to be counted. Default: nothing does. */
  readonly settle?: (() => void) | undefined
}

/** What there was when it was last asked for. */
export interface Sample {
  readonly lag: readonly PartitionLag[]
  readonly stores: readonly StoreSize[]
  /** When lag was looked up, milliseconds since the epoch. */
  readonly at: number
}

/** Sets the gauges. Only while somebody asks: between scrapes it does nothing. */
export class Sampler {
  readonly #options: SamplerOptions
  readonly #loop = new EventLoopDelay(() => performance.now())
  #app: ObservedApp | undefined
  /** What is not answered yet: each by itself, since stores are here, whoever else is away. */
  readonly #asking = new Map<'lag' | 'stores', Promise<void>>()
  #askedAt = -Infinity
  #last: Sample = { lag: [], stores: [], at: 0 }

  constructor(options: SamplerOptions) {
    this.#options = options
  }

  get last(): Sample {
    return this.#last
  }

  attach(app: ObservedApp): void {
    this.#app = app
    this.#loop.start()
  }

  stop(): void {
    this.#loop.stop()
    this.#app = undefined
  }

  /** Brings all gauges up to date; waits a bounded time for brokers. */
  readonly refresh = async (): Promise<void> => {
    const app = this.#app
    if (app !== undefined) {
      await this.askAgain(ANSWER_MS)
      this.#setHealth(app.health())
      this.#setLoop()
    }
    this.#options.settle?.()
  }

  /** Asks brokers and stores, if they were not just asked, and waits for them, `limitMs` at most. */
  async askAgain(limitMs: number): Promise<void> {
    const app = this.#app
    if (app === undefined) return
    const now = performance.now()
    if (now - this.#askedAt >= this.#options.everyMs) {
      this.#askedAt = now
      this.#ask('lag', () => this.#askLag(app))
      this.#ask('stores', () => this.#askStores(app))
    }
    if (this.#asking.size > 0) await settledWithin(Promise.all(this.#asking.values()), limitMs)
  }

  #ask(what: 'lag' | 'stores', ask: () => Promise<void>): void {
    if (this.#asking.has(what)) return
    const asking = ask().finally(() => this.#asking.delete(what))
    this.#asking.set(what, asking)
  }

  async #askLag(app: ObservedApp): Promise<void> {
    const { recorder, readiness, logger } = this.#options
    const { families, application } = recorder
    readiness.asked()
    try {
      const lag = await app.inspect.lag()
      readiness.answered()
      this.#last = { ...this.#last, lag, at: Date.now() }
      const here = tasksOf(app)
      const told = new Set<Series>()
      for (const { task, topic, partition, lag: behind } of lag) {
        if (!here.has(task)) continue
        recorder.has(task, topic, partition)
        const series = families.lag.of(application, topic, String(partition))
        series.set(behind)
        told.add(series)
      }
      // Of a topic that was deleted nothing is told any more.
      families.lag.keep(told)
      families.lagAsked.of(application).set(this.#last.at / 1_000)
    } catch (error) {
      // Who refuses is there.
      if (error instanceof MillraceError && !error.retryable) readiness.answered()
      logger.debug({ err: error }, 'lag could not be looked up')
    }
  }

  async #askStores(app: ObservedApp): Promise<void> {
    const { recorder, logger } = this.#options
    const { families, application } = recorder
    try {
      const stores = await app.inspect.stores()
      // What was asked of a task that has gone meanwhile: its series are forgotten, for good.
      const here = tasksOf(app)
      this.#last = { ...this.#last, stores: stores.filter(({ task }) => here.has(task)) }
      for (const { task, store, entries, uncommittedBytes } of this.#last.stores) {
        const labels = [application, store, partitionOf(task)] as const
        families.entries.of(...labels).set(entries)
        families.uncommitted.of(...labels).set(uncommittedBytes)
      }
    } catch (error) {
      logger.debug({ err: error }, 'sizes of stores could not be looked up')
    }
  }

  #setHealth(health: AppHealth): void {
    const { recorder, readiness } = this.#options
    const { families, application, compatible } = recorder
    for (const state of APP_STATES) families.state.of(application, state).set(state === health.state ? 1 : 0)
    for (const state of TASK_STATES) families.tasks.of(application, state).set(health.tasks.filter((task) => task.state === state).length)
    for (const state of health.threads === undefined ? [] : THREAD_STATES)
      families.threads.of(application, state).set(health.threads?.filter((thread) => thread.state === state).length ?? 0)
    for (const { thread, utilization } of health.threads ?? []) families.threadBusy.of(application, String(thread)).set(utilization)
    families.ready.of(application).set(readiness.look(health).ready ? 1 : 0)
    // What is told are those that are not closed: of the others, what there was.
    for (const closed of families.sinkCircuit.all) closed.set(0)
    for (const [node, circuits] of Object.entries(health.sinks))
      for (const [table, circuit] of Object.entries(circuits))
        families.sinkCircuit.of(application, node, table).set(CIRCUIT_VALUES[circuit])
    recorder.restoresOnly(health.tasks.map(({ task }) => task))
    // Of tasks that are over.
    for (const family of [families.queue, families.inFlight, compatible?.depth]) for (const series of family?.all ?? []) series.set(0)
    for (const { task, partitions, pass } of health.tasks) {
      for (const { topic, partition, waitingRecords, batchSize } of partitions) {
        recorder.has(task, topic, partition)
        const labels = [application, topic, String(partition)] as const
        families.queue.of(...labels).set(waitingRecords)
        families.batchLimit.of(...labels).set(batchSize)
        families.inFlight.of(...labels).set(pass?.topic === topic ? Math.max(1, pass.batches) : 0)
        compatible?.depth.of(...labels).set(waitingRecords)
      }
    }
    // Until then tasks may come back with the same topics.
    if (health.state === 'running') recorder.forgetTopics()
  }

  #setLoop(): void {
    const { families, application } = this.#options.recorder
    const delay = this.#loop.look()
    if (delay === undefined) return
    families.loopMean.of(application).set(delay.mean)
    families.loopP99.of(application).set(delay.p99)
    families.loopMax.of(application).set(delay.max)
  }
}

function tasksOf(app: ObservedApp): ReadonlySet<string> {
  return new Set(app.health().tasks.map(({ task }) => task))
}

function partitionOf(task: string): string {
  return task.slice(task.indexOf('_') + 1)
}

import { setTimeout as sleep } from 'node:timers/promises'
import {
  type AppHealth,
  type AppState,
  type BatchingChange,
  MillraceError,
  type ReadOnlyOf,
  RestartBudget,
  settledWithin,
  type StoreDefinition,
} from '@millrace/core'
import { Batching } from '../batch/batching.ts'
import type { App, AppInspector, StateListener } from '../app/app-api.ts'
import { waitUntilCaughtUp } from '../app/caught-up.ts'
import { allSteps, Ending } from '../app/ending.ts'
import { stateCleaner } from '../app/housekeeping.ts'
import { Inspector } from '../app/inspect.ts'
import { Lifecycle } from '../app/lifecycle.ts'
import type { AppParts } from '../app/local-app.ts'
import { checkWhileRestoring, type QueryOptions, restoring, storeOver, unknownStore } from '../app/query.ts'
import type { StateCleaner } from '../app/state-cleaner.ts'
import { clientIdOf } from '../app/writer-options.ts'
import { AppThread, type StartedThread } from './app-thread.ts'
import { processIdOf } from './process-id-of.ts'
import { logFrom } from './relayed-events.ts'
import { remoteStore } from './remote-store.ts'
import { TaskLocks } from './task-locks.ts'
import { healthOfThreads } from './threads-health.ts'

export interface ThreadedParts extends Omit<AppParts, 'thread'> {
  /** Starts a thread, which loads the application. */
  readonly startThread: (number: number) => StartedThread
}

/** Before a thread that died is replaced for the first time. */
const FIRST_MS = 100
const LONGEST_MS = 30_000
/** What a thread may take for its end besides waiting for passes and commits. */
const CLOSE_MARGIN_MS = 10_000
/** For putting a thread that died out of its group. */
const LEAVE_MS = 5_000
/** Between two looks at whether all threads are idle, or at what was committed. */
const LOOK_MS = 5

/** An application whose tasks run in worker threads: see {@link App}. */
export class ThreadedApp implements App {
  readonly #parts: ThreadedParts
  readonly #life: Lifecycle
  readonly #ending: Ending
  readonly #batching: Batching
  readonly #locks = new TaskLocks()
  readonly #cleaner: StateCleaner
  readonly #threads = new Map<number, AppThread>()
  readonly #budgets = new Map<number, RestartBudget>()
  /** Those that were ended from here. */
  readonly #terminated = new Set<AppThread>()
  /** Cancel what waits until a thread is replaced. */
  readonly #waits = new Set<() => void>()
  #runs = false

  private constructor(parts: ThreadedParts) {
    this.#parts = parts
    const { definition, plan } = parts
    const { logger } = parts.context
    this.#life = new Lifecycle(definition.observer, logger)
    this.#ending = new Ending({ life: this.#life, logger, release: () => this.#release() })
    this.#batching = new Batching(definition, plan.subTopologies)
    this.#cleaner = stateCleaner(parts, () => this.#here(), undefined)
  }

  /** Starts the threads. Rejects with the first reason for which one of them can't load the application or connect; then there are none. */
  static async open(parts: ThreadedParts): Promise<ThreadedApp> {
    const app = new ThreadedApp(parts)
    const numbers = Array.from({ length: parts.definition.threads.count }, (_, i) => i + 1)
    try {
      await Promise.all(numbers.map((number) => app.#startThread(number, 0)))
    } catch (error) {
      await Promise.all([...app.#threads.values()].map((thread) => app.#terminate(thread)))
      throw error
    }
    return app
  }

  get state(): AppState {
    return this.#life.state
  }

  onStateChange(listener: StateListener): () => void {
    return this.#life.onChange(listener)
  }

  async run(): Promise<void> {
    if (this.state === 'created' && !this.#runs) this.#begin()
    return this.#ending.ended
  }

  close(): Promise<void> {
    return this.#ending.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close().catch(() => undefined)
  }

  async caughtUp(): Promise<void> {
    const { definition, plan, admin } = this.#parts
    const next = async () => {
      this.#ending.assertGoingOn()
      await this.#ofAll((thread) => thread.port.ask('advance', undefined))
      // Where no thread is there now.
      await sleep(LOOK_MS)
    }
    await waitUntilCaughtUp({ plan, applicationId: definition.applicationId, admin, next })
    await this.#ofAll((thread) => thread.port.ask('persisted', undefined))
  }

  async idle(): Promise<void> {
    for (;;) {
      this.#ending.assertGoingOn()
      const answers = await this.#ofAll((thread) => thread.port.ask('isIdle', undefined))
      if (this.state === 'running' && answers.length === this.#threads.size && answers.every(Boolean)) return
      await sleep(LOOK_MS)
    }
  }

  async commit(): Promise<void> {
    await Promise.all(this.#ready.map((thread) => thread.port.ask('commit', undefined)))
  }

  get inspect(): AppInspector {
    const answers = async <T>(ask: (thread: AppThread) => Promise<readonly T[]>) => (await Promise.all(this.#ready.map(ask))).flat()
    const { slot } = this.#parts
    const processIds = [...this.#threads.keys()].map((number) => processIdOf(slot, number))
    return new Inspector(
      { ...this.#parts, processIds },
      {
        has: (task) => this.#ready.some(({ tasks }) => tasks.has(task)),
        lag: () => answers((thread) => thread.port.ask('lag', undefined)),
        stores: () => answers((thread) => thread.port.ask('stores', undefined)),
      },
    )
  }

  health(): AppHealth {
    return healthOfThreads({ state: this.state, error: this.#ending.failure }, [...this.#threads.values()])
  }

  updateBatching(change: BatchingChange): void {
    const event = this.#batching.update(change)
    for (const thread of this.#threads.values()) thread.port.tell({ type: 'batching', change: event.change })
    this.#parts.context.logger.info({ change }, 'batching was changed')
    this.#life.tell(event)
  }

  store<S>(store: StoreDefinition<S>, options: QueryOptions = {}): ReadOnlyOf<S> {
    const { stores } = this.#parts.definition.topology
    const definition = stores.find(({ name }) => name === store.name)
    if (definition === undefined) {
      throw unknownStore(
        store.name,
        stores.map(({ name }) => name),
      )
    }
    const { whileRestoring = 'serve' } = options
    checkWhileRestoring(whileRestoring)
    const parts = () => {
      const ready = this.#ready
      // They know themselves what of theirs is not complete.
      if (whileRestoring === 'refuse' && ready.length < this.#threads.size) throw restoring(store.name, undefined)
      return ready.map((thread) => remoteStore(thread.port, definition, options))
    }
    return storeOver(definition, parts) as ReadOnlyOf<S>
  }

  async cleanUp(): Promise<void> {
    this.#life.checkIdle(this.#runs)
    await this.#parts.slot.clear()
  }

  /** Those that can be asked. */
  get #ready(): AppThread[] {
    return [...this.#threads.values()].filter(({ isReady, state }) => isReady && state !== 'died')
  }

  #begin(): void {
    this.#runs = true
    this.#life.go('rebalancing')
    this.#cleaner.start()
    for (const thread of this.#threads.values()) this.#runThread(thread)
  }

  #runThread(thread: AppThread): void {
    const { advertisedAddress } = this.#parts.definition
    const address = typeof advertisedAddress === 'function' ? advertisedAddress() : advertisedAddress
    this.#life.tell({ type: 'thread', stage: 'process', thread: thread.number, phase: 'started' })
    thread.port.ask('run', { address, changes: this.#batching.changes }).catch((error: unknown) => {
      // Of one that died another takes its place, or not; what the engine stops for stops all threads.
      if (thread.state !== 'died' && !this.#ending.isClosing) this.#ending.fail(error)
    })
  }

  /** Starts a thread, in the place of the one before. Resolves when it is ready. */
  async #startThread(number: number, replaced: number): Promise<AppThread> {
    const { definition, context } = this.#parts
    const thread = new AppThread(this.#parts.startThread(number), {
      number,
      replaced,
      clock: definition.clock,
      calls: { holdTask: ({ task, ticket }) => this.#locks.hold(task, number, ticket) },
      onState: () => this.#stateOfThreads(),
      onEvents: (events) => {
        for (const event of events) this.#life.tell(event)
      },
      onLog: (entry) => logFrom(context.logger, number, entry),
      onLetGo: (ticket) => this.#locks.letGo(number, ticket),
    })
    this.#threads.set(number, thread)
    void thread.gone.then((reason) => this.#gone(thread, reason))
    await thread.ready
    return thread
  }

  #gone(thread: AppThread, reason: Error): void {
    const tasks = [...thread.tasks]
    const { isReady } = thread
    thread.died(reason)
    this.#locks.letGoAll(thread.number)
    if (this.#terminated.has(thread)) return
    const { logger } = this.#parts.context
    logger.error({ err: reason, thread: thread.number }, 'a thread of the application died')
    this.#life.tell({ type: 'thread', stage: 'process', thread: thread.number, phase: 'died', error: reason })
    if (tasks.length > 0) this.#life.tell({ type: 'lost', stage: 'source', tasks })
    this.#stateOfThreads()
    // Who waits for one that is not ready hears of it.
    if (isReady && !this.#ending.hasBegun) this.#replace(thread, reason)
  }

  /** Has another thread take the place of one that died, if that is wanted and has not been done too often. */
  #replace(thread: AppThread, reason: Error): void {
    const { threads, clock } = this.#parts.definition
    if (threads.onFailure === 'stop') return this.#ending.fail(reason)
    const budget = this.#budgetOf(thread.number)
    const waitMs = budget.next(clock.monotonic() - thread.began)
    if (waitMs === undefined) return this.#ending.fail(diedTooOften(thread.number, budget.restarts + 1, reason))
    const cancel = clock.after(waitMs, () => {
      this.#waits.delete(cancel)
      void this.#startInPlaceOf(thread)
    })
    this.#waits.add(cancel)
  }

  async #startInPlaceOf({ number, replaced }: AppThread): Promise<void> {
    await settledWithin(this.#leaveGroup(number), LEAVE_MS, this.#parts.definition.clock)
    if (this.#ending.hasBegun) return
    try {
      const thread = await this.#startThread(number, replaced + 1)
      if (!this.#ending.hasBegun && this.#runs) this.#runThread(thread)
    } catch (error) {
      const thread = this.#threads.get(number) as AppThread
      await this.#terminate(thread)
      if (!this.#ending.hasBegun) this.#replace(thread, error as Error)
    }
  }

  /** Who died said nothing to its group, which would keep its partitions for it until its session is over. */
  async #leaveGroup(number: number): Promise<void> {
    const { admin, definition, slot, context } = this.#parts
    try {
      await admin.removeMembers?.(definition.applicationId, clientIdOf(definition, { processId: processIdOf(slot, number) }))
    } catch (error) {
      context.logger.debug(
        { err: error, thread: number },
        'a thread that died could not be put out of its group, which will notice by itself',
      )
    }
  }

  #budgetOf(number: number): RestartBudget {
    let budget = this.#budgets.get(number)
    if (budget === undefined) {
      const { maxReplacements } = this.#parts.definition.threads
      budget = new RestartBudget({ maxRestarts: maxReplacements, firstMs: FIRST_MS, longestMs: LONGEST_MS })
      this.#budgets.set(number, budget)
    }
    return budget
  }

  #stateOfThreads(): void {
    const { state } = this
    if (state !== 'rebalancing' && state !== 'running') return
    const all = [...this.#threads.values()].every((thread) => thread.state === 'running')
    this.#life.go(all ? 'running' : 'rebalancing')
  }

  /** Ids of the tasks that are in some thread, or get there; undefined while some thread does not know. */
  #here(): ReadonlySet<string> | undefined {
    const here = new Set(this.#locks.held)
    for (const thread of this.#threads.values()) {
      if (thread.here === undefined) return undefined
      for (const task of thread.here) here.add(task)
    }
    return here
  }

  /** Asks those that are there; what one does not answer because it died, or is about to end, is left out. */
  async #ofAll<T>(ask: (thread: AppThread) => Promise<T>): Promise<T[]> {
    const answers = await Promise.allSettled([...this.#threads.values()].map(ask))
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
  }

  async #release(): Promise<unknown[]> {
    const { admin, slot } = this.#parts
    for (const cancel of this.#waits) cancel()
    const ends = await Promise.all([...this.#threads.values()].map((thread) => this.#end(thread)))
    const errors = await allSteps([() => this.#cleaner.stop(), () => admin.close(), () => slot.release()])
    return [...ends.flat(), ...errors]
  }

  /** Lets a thread finish, and ends it. Resolves to what was wrong with that. */
  async #end(thread: AppThread): Promise<unknown[]> {
    if (thread.state === 'died') return []
    const { clock, revokeTimeoutMs } = this.#parts.definition
    const limitMs = 3 * revokeTimeoutMs + CLOSE_MARGIN_MS
    const errors: unknown[] = []
    const closing = (thread.isReady ? thread.port.ask('close', undefined) : Promise.resolve()).catch((error: unknown) => {
      // Why one of them failed is known, unless it was while it closed.
      if (this.#ending.isClosing || thread.state !== 'error') errors.push(error)
    })
    if (!(await settledWithin(closing, limitMs, clock))) errors.push(stuck(thread.number, limitMs))
    await this.#terminate(thread)
    return errors
  }

  async #terminate(thread: AppThread): Promise<void> {
    this.#terminated.add(thread)
    await thread.terminate()
  }
}

function diedTooOften(thread: number, times: number, cause: Error): MillraceError {
  const message = `Thread ${thread} of the application died ${times} times without having run for a minute, and is not replaced: ${cause.message}`
  return new MillraceError('THREAD_DIED', message, { stage: 'process', cause })
}

function stuck(thread: number, limitMs: number): MillraceError {
  const message = `Thread ${thread} of the application did not close within ${limitMs} ms, and was ended: what it had not committed is processed again.`
  return new MillraceError('THREAD_STUCK', message, { stage: 'process', retryable: true })
}

import {
  type AppHealth,
  type AppState,
  type BatchingChange,
  type MillraceError,
  type ReadOnlyOf,
  type RecordSource,
  settledWithin,
  type StoreDefinition,
  type TransportAdmin,
  type TransportContext,
} from '@millrace/core'
import { setTimeout as sleep } from 'node:timers/promises'
import { CommitScheduler } from '../commit/commit-scheduler.ts'
import { Broadcast } from '../internal/broadcast.ts'
import { Reader } from '../source/reader.ts'
import { isDamage } from '../store/is-damage.ts'
import { Standbys } from '../standby/standbys.ts'
import { restoreStores } from '../store/restore.ts'
import type { TaskEnvironment } from '../task/task-environment.ts'
import { TaskManager } from '../task/task-manager.ts'
import type { App, AppInspector, StateListener } from './app-api.ts'
import { progressOrTime, waitUntilCaughtUp } from './caught-up.ts'
import { healthOf } from './health.ts'
import { allSteps, Ending } from './ending.ts'
import { Housekeeping } from './housekeeping.ts'
import { Inspector } from './inspect.ts'
import { inspectTasks } from './inspect-tasks.ts'
import { Lifecycle } from './lifecycle.ts'
import { makeEnvironment } from './make-environment.ts'
import { mayPass } from './may-pass.ts'
import { openOutlet, type Outlet } from './outlet.ts'
import { type QueryOptions, queryStore, unknownStore } from './query.ts'
import { Recovery } from './recovery.ts'
import type { RunnableDefinition } from './resolve-definition.ts'
import type { StateSlot } from './state-slot.ts'
import type { TopicPlan } from './topic-plan.ts'
import { sourceOptions } from './source-options.ts'
import { writerOptions } from './writer-options.ts'

export interface AppParts {
  readonly definition: RunnableDefinition
  readonly context: TransportContext
  readonly admin: TransportAdmin
  readonly plan: TopicPlan
  readonly slot: StateSlot
  /** Of an application in a worker thread: what it shares with the other threads. */
  readonly thread?: SharedWithThreads | undefined
}

/** What the threads of one process share. */
export interface SharedWithThreads {
  /** From 1. */
  readonly number: number
  /** Resolves when no other thread has the stores of a task, to what lets others have them. Rejects when `signal` is aborted before. */
  readonly holdTask: (task: string, signal: AbortSignal) => Promise<() => void>
}

/** How long a commit that was given up may take to end. */
const QUIET_MS = 10_000

/** An application whose tasks run in this thread: see {@link App}. */
export class LocalApp implements App {
  readonly #parts: AppParts
  readonly #environment: TaskEnvironment
  readonly #manager: TaskManager
  readonly #scheduler: CommitScheduler
  readonly #recovery: Recovery
  readonly #housekeeping: Housekeeping
  readonly #life: Lifecycle
  readonly #standbys: Standbys | undefined
  readonly #progress = new Broadcast()
  readonly #ending: Ending
  #source: RecordSource | undefined
  #reader: Reader | undefined
  #outlet: Outlet | undefined
  /** What the last commit began with. */
  #committing: Outlet | undefined
  /** Commits that were confirmed. */
  #confirmed = 0
  #beginning: Promise<void> | undefined
  #cleaning: Promise<void> | undefined

  constructor(parts: AppParts) {
    this.#parts = parts
    const { definition, context, plan } = parts
    const { logger } = context
    this.#life = new Lifecycle(definition.observer, logger)
    this.#ending = new Ending({ life: this.#life, logger, release: () => this.#release() })
    this.#environment = makeEnvironment(parts, {
      emit: definition.observer === undefined ? undefined : this.#life.tell,
      output: () => (this.#outlet as Outlet).output,
      onProgress: (records, uncommittedBytes) => {
        this.#reader?.progressed()
        this.#progress.notify()
        this.#scheduler.progressed(records, uncommittedBytes)
      },
      requestCommit: () => this.#scheduler.request('request'),
      onCommitted: (offsets) => this.#housekeeping.committed(offsets),
      fail: (error) => (isDamage(error) || mayPass(error) ? this.#recovery.begin(error) : this.#ending.fail(error)),
    })
    const reading = { environment: this.#environment, transport: definition.transport, context }
    const { hotStandby } = definition
    const arePlaced = hotStandby !== false && hotStandby.replicas !== Infinity
    const hasToWait = (): boolean => !this.#manager.settled
    const standbys = hotStandby === false ? undefined : new Standbys({ ...reading, plan, arePlaced, hasToWait })
    this.#standbys = standbys
    this.#housekeeping = new Housekeeping(parts, () => this.#manager.here, standbys)
    this.#scheduler = new CommitScheduler(definition.commit, definition.clock, {
      commit: async (reason) => {
        const tasks = this.#manager.tasks.filter(({ state }) => state === 'running' || state === 'finishing')
        this.#committing = this.#outlet
        if ((await this.#outlet?.coordinator.commit(tasks, reason)) === true) {
          this.#confirmed++
          this.#recovery.succeeded()
        } else if (this.state === 'running' && tasks.every(({ idle, waiting }) => idle && waiting === 0)) this.#recovery.calm()
      },
      onFailure: (error) => {
        // It ended too late: its writer was given up before, and that has been recovered from.
        if (this.#committing !== this.#outlet) return
        // At once: what is looked up meanwhile may wait for its transaction.
        void this.#outlet?.close(error)
        this.#recovery.begin(error)
      },
    })
    this.#manager = new TaskManager({
      plan,
      environment: this.#environment,
      source: () => this.#source as RecordSource,
      restore: (request) => restoreStores({ ...request, ...reading }),
      standbys,
      onPlaced: (here) => {
        this.#housekeeping.kept.note(here)
        standbys?.followAllBut(here)
      },
      commit: (reason) => this.#scheduler.now(this.#ending.isClosing ? 'drain' : reason),
      abandonCommit: (reason) => this.#abandonCommit(reason),
      confirm: async (held) => this.#outlet?.coordinator.confirm(held),
      onAssignment: (settled) => this.#assignmentChanged(settled),
      onFailure: (error) => {
        // Tasks that were not begun when everything ends are missed by nobody.
        if (this.#ending.hasBegun) logger.debug({ err: error }, 'tasks could not be started')
        else if (mayPass(error) || isDamage(error)) this.#recovery.begin(error)
        // A processor's init that throws would fail again.
        else this.#ending.fail(error)
      },
    })
    this.#recovery = new Recovery({
      environment: this.#environment,
      manager: this.#manager,
      reopen: (error) => this.#reopen(error),
      fail: (error) => this.#ending.fail(error),
    })
  }

  get state(): AppState {
    return this.#life.state
  }

  onStateChange(listener: StateListener): () => void {
    return this.#life.onChange(listener)
  }

  async run(): Promise<void> {
    if (this.state === 'created') this.#beginning ??= this.#begin().catch((error: unknown) => this.#notBegun(error))
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
    const { applicationId } = definition
    await waitUntilCaughtUp({ plan, applicationId, admin, next: () => this.advance() })
    await this.persisted()
  }

  /** Commits what is finished, if nothing is under way; then waits until something more may have been. Rejects when the application ends. */
  async advance(): Promise<void> {
    this.#ending.assertGoingOn()
    const confirmed = this.#confirmed
    // While passes follow one another commits keep their own pace; when all is done this one is waited for.
    if (this.#manager.tasks.every((task) => task.idle)) await this.#scheduler.now('request').catch(() => undefined)
    if (this.#confirmed === confirmed) await progressOrTime(this.#progress)
  }

  /** Resolves when what is committed is in the local stores: its offsets may be seen before. */
  async persisted(): Promise<void> {
    await this.#scheduler.quiet()
  }

  /** Whether every assigned task runs and none has anything to do. Throws if the application has ended, or is about to. */
  isIdle(): boolean {
    if (this.state === 'running' && this.#manager.tasks.every((task) => task.idle)) return true
    this.#ending.assertGoingOn()
    return false
  }

  async idle(): Promise<void> {
    while (!this.isIdle()) await sleep(1)
  }

  async commit(): Promise<void> {
    await this.#scheduler.now('request')
  }

  get inspect(): AppInspector {
    return new Inspector(
      { ...this.#parts, processIds: [this.#parts.slot.processId] },
      inspectTasks(this.#parts, () => this.#manager.tasks),
    )
  }

  /** Ids of the tasks that are, or will be, in this thread; undefined while the group has not said. */
  get here(): ReadonlySet<string> | undefined {
    return this.#manager.here
  }

  health(): AppHealth {
    const now = this.#parts.definition.clock.monotonic()
    return healthOf({ state: this.state, error: this.#ending.failure, sinks: this.#environment.outside.circuits, now }, this.#manager.tasks)
  }

  updateBatching(change: BatchingChange): void {
    const event = this.#environment.batching.update(change)
    for (const task of this.#manager.tasks) task.wake()
    this.#parts.context.logger.info({ change }, 'batching was changed')
    this.#life.tell(event)
  }

  store<S>(store: StoreDefinition<S>, options: QueryOptions = {}): ReadOnlyOf<S> {
    const known = this.#parts.definition.topology.stores.map(({ name }) => name)
    if (!known.includes(store.name)) throw unknownStore(store.name, known)
    const expected = () => this.#manager.havingStore(store.name)
    return queryStore(store, { tasks: () => this.#manager.tasks, expected }, options)
  }

  async cleanUp(): Promise<void> {
    this.#life.checkIdle(this.#beginning !== undefined)
    this.#cleaning = this.#parts.slot.clear()
    await this.#cleaning
  }

  async #begin(): Promise<void> {
    const { definition, context, plan } = this.#parts
    this.#life.go('rebalancing')
    await this.#cleaning?.catch(() => undefined)
    const options = sourceOptions(this.#parts, this.#housekeeping.kept, this.#standbys)
    this.#source = await definition.transport.openSource(options, context)
    if (this.#ending.hasBegun) return
    if (options.standbys !== undefined && this.#source.placesStandbys !== true) {
      context.logger.warn({}, 'the transport says of no process which tasks it is to follow: hotStandby follows all')
      this.#standbys?.place(undefined)
    }
    this.#outlet = await this.#openOutlet()
    if (this.#ending.hasBegun) return
    this.#reader = new Reader({
      source: this.#source,
      clock: definition.clock,
      logger: context.logger,
      buffer: this.#environment.buffer,
      readings: () => this.#manager.readings,
      onError: (error) => this.#ending.fail(error),
    })
    this.#scheduler.start()
    this.#housekeeping.start()
    await this.#source.subscribe(plan.subscription, this.#manager)
    this.#reader.start()
  }

  /** Who closes it meanwhile misses nothing: it had nothing to finish. */
  #notBegun(error: unknown): void {
    if (!this.#ending.isClosing || !mayPass(error)) this.#ending.fail(error)
    else this.#parts.context.logger.warn({ err: error }, 'the application was closed before it could begin')
  }

  /**
   * Finishes what is under way, commits it and closes everything that was opened: what needs a broker for that at the same time, since each may wait
   * for one that is away.
   */
  async #release(): Promise<unknown[]> {
    const { admin, slot, definition } = this.#parts
    const finished = await allSteps([
      // What is just being opened must be there to be closed.
      () => this.#beginning,
      () => this.#reader?.stop(),
      () => this.#manager.drain(),
      () => this.#recovery.stop(),
      () => settledWithin(this.#scheduler.stop(), QUIET_MS, definition.clock),
      () => settledWithin(this.#housekeeping.stop(), QUIET_MS, definition.clock),
    ])
    const closed = await Promise.all([
      allSteps([() => this.#source?.close(), () => this.#reader?.ended()]),
      allSteps([() => this.#outlet?.close(undefined), () => this.#environment.careful.close(), () => this.#environment.outside.close()]),
      allSteps([() => admin.close()]),
    ])
    return [...finished, ...closed.flat(), ...(await allSteps([() => slot.release()]))]
  }

  #openOutlet(): Promise<Outlet> {
    const { definition, context, slot } = this.#parts
    return openOutlet({
      transport: definition.transport,
      context,
      environment: this.#environment,
      source: this.#source as RecordSource,
      writerOptions: writerOptions(definition, slot),
      tasks: () => this.#manager.tasks.map(({ id }) => id),
      onFailure: (error) => this.#recovery.begin(error),
    })
  }

  async #reopen(reason: unknown): Promise<void> {
    await this.#outlet?.close(reason)
    // A commit that is still under way may yet take effect: what is committed is looked up after it.
    await settledWithin(this.#scheduler.quiet(), QUIET_MS, this.#parts.definition.clock)
    this.#outlet = await this.#openOutlet()
  }

  /** What its writer was handed can't be called back, if not with all of a transaction; it is handed nothing more. */
  #abandonCommit(reason: MillraceError): void {
    if (!this.#scheduler.busy) return
    void this.#outlet?.close(reason)
    if (!this.#ending.hasBegun) this.#recovery.begin(reason)
  }

  #assignmentChanged(settled: boolean): void {
    this.#reader?.progressed()
    this.#progress.notify()
    if (this.state === 'rebalancing' && settled) this.#life.go('running')
    else if (this.state === 'running' && !settled) this.#life.go('rebalancing')
  }
}

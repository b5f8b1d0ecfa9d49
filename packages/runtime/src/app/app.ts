import {
  type AppHealth,
  type AppState,
  type BatchingChange,
  deferred,
  isLegalTransition,
  MillraceError,
  type ReadOnlyOf,
  type RecordSource,
  type RuntimeEvent,
  settledWithin,
  type StoreDefinition,
  tell,
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
import { progressOrTime, waitUntilCaughtUp } from './caught-up.ts'
import { healthOf } from './health.ts'
import { AppInspector } from './inspect.ts'
import { Housekeeping } from './housekeeping.ts'
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
}

type StateListener = (to: AppState, from: AppState) => void

/** How long a commit that was given up may take to end. */
const QUIET_MS = 10_000

/** A running topology: what `start` gives. */
export class App implements AsyncDisposable {
  readonly #parts: AppParts
  readonly #environment: TaskEnvironment
  readonly #manager: TaskManager
  readonly #scheduler: CommitScheduler
  readonly #recovery: Recovery
  readonly #housekeeping: Housekeeping
  readonly #standbys: Standbys | undefined
  readonly #listeners = new Set<StateListener>()
  readonly #progress = new Broadcast()
  readonly #ended = deferred<void>()
  #state: AppState = 'created'
  #source: RecordSource | undefined
  #reader: Reader | undefined
  #outlet: Outlet | undefined
  /** Commits that were confirmed. */
  #confirmed = 0
  #beginning: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #cleaning: Promise<void> | undefined
  #failure: unknown

  /** @internal Use `start`. */
  constructor(parts: AppParts) {
    this.#parts = parts
    const { definition, context, plan } = parts
    this.#environment = makeEnvironment(parts, {
      emit: definition.observer === undefined ? undefined : (event) => this.#tell(event),
      output: () => (this.#outlet as Outlet).output,
      onProgress: (records, uncommittedBytes) => {
        this.#reader?.progressed()
        this.#progress.notify()
        this.#scheduler.progressed(records, uncommittedBytes)
      },
      requestCommit: () => this.#scheduler.request('request'),
      onCommitted: (offsets) => this.#housekeeping.committed(offsets),
      fail: (error) => (isDamage(error) || mayPass(error) ? this.#recovery.begin(error) : this.#fail(error)),
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
        if ((await this.#outlet?.coordinator.commit(tasks, reason)) !== true) return
        this.#confirmed++
        this.#recovery.succeeded()
      },
      onFailure: (error) => {
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
      commit: (reason) => this.#scheduler.now(this.#closing === undefined ? reason : 'drain'),
      abandonCommit: (reason) => this.#abandonCommit(reason),
      onAssignment: (settled) => this.#assignmentChanged(settled),
      onFailure: (error) => {
        // Tasks that were not begun when everything ends are missed by nobody.
        if (this.#ending) context.logger.debug({ err: error }, 'tasks could not be started')
        else if (mayPass(error) || isDamage(error)) this.#recovery.begin(error)
        // A processor's init that throws would fail again.
        else this.#fail(error)
      },
    })
    this.#recovery = new Recovery({
      environment: this.#environment,
      manager: this.#manager,
      reopen: (error) => this.#reopen(error),
      fail: (error) => this.#fail(error),
    })
    // Whoever never calls run() must not be punished with an unhandled rejection.
    this.#ended.promise.catch(() => undefined)
  }

  get state(): AppState {
    return this.#state
  }

  /** Calls `listener` at every change of state; returns how to stop that. */
  onStateChange(listener: StateListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Processes until `close` (or a signal, if `handleSignals`): resolves after the drain, rejects with what made it impossible to go on. */
  async run(): Promise<void> {
    if (this.#state === 'created') this.#beginning ??= this.#begin().catch((error: unknown) => this.#notBegun(error))
    return this.#ended.promise
  }

  /** Finishes what was begun, flushes the last partial batches, commits, and releases everything. Rejects if the application failed. */
  async close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close().catch(() => undefined)
  }

  /** Resolves once everything that is in the inputs now has been processed and committed, through repartition topics too. Rejects if the application ends before. */
  async caughtUp(): Promise<void> {
    const { definition, plan, admin } = this.#parts
    const { applicationId } = definition
    await waitUntilCaughtUp({
      plan,
      applicationId,
      admin,
      next: async () => {
        this.#assertGoingOn()
        const confirmed = this.#confirmed
        // While passes follow one another commits keep their own pace; when all is done this one is waited for.
        if (this.#manager.tasks.every((task) => task.idle)) await this.#scheduler.now('request').catch(() => undefined)
        if (this.#confirmed === confirmed) await progressOrTime(this.#progress)
      },
    })
    // The offsets may be seen before what they stand for is in the local stores.
    await this.#scheduler.quiet()
  }

  /** Resolves at a moment when every assigned task runs and none has anything to do: what has been read is processed. Rejects if the application ends before. */
  async idle(): Promise<void> {
    while (this.#state !== 'running' || !this.#manager.tasks.every((task) => task.idle)) {
      this.#assertGoingOn()
      await sleep(1)
    }
  }

  /** Commits everything that passes have finished so far. */
  async commit(): Promise<void> {
    await this.#scheduler.now('request')
  }

  /** Looks at what costs a question: lag, sizes of stores, who has a key. */
  get inspect(): AppInspector {
    return new AppInspector(this.#parts, () => this.#manager.tasks)
  }

  /** How it is at this moment. */
  health(): AppHealth {
    const now = this.#parts.definition.clock.monotonic()
    return healthOf({ state: this.#state, error: this.#failure, sinks: this.#environment.outside.circuits, now }, this.#manager.tasks)
  }

  /**
   * Changes batch options while the application runs, for all topics or for those that `source` and `topic` name. What was changed before and is not
   * named stays. From the next batch on: an open batch that is over a new limit is cut at once. Throws a `TypeError` that lists everything that is
   * wrong, and then changes nothing.
   */
  updateBatching(change: BatchingChange): void {
    const event = this.#environment.batching.update(change)
    for (const task of this.#manager.tasks) task.wake()
    this.#parts.context.logger.info({ change }, 'batching was changed')
    this.#tell(event)
  }

  /** Committed state of this process's tasks. Throws for a store that the topology has not got. */
  store<S>(store: StoreDefinition<S>, options: QueryOptions = {}): ReadOnlyOf<S> {
    const known = this.#parts.definition.topology.stores.map(({ name }) => name)
    if (!known.includes(store.name)) throw unknownStore(store.name, known)
    const expected = () => this.#manager.havingStore(store.name)
    return queryStore(store, { tasks: () => this.#manager.tasks, expected }, options)
  }

  /**
   * Deletes all local state of this process: the next run restores it from the changelogs. Only before `run` or after the end: rejects with a
   * `TypeError` in between, and with `STATE_FOLDER` if the folder can't be written, or is another process's by now.
   */
  async cleanUp(): Promise<void> {
    const isIdle = this.#state === 'created' ? this.#beginning === undefined : this.#state === 'not-running' || this.#state === 'error'
    if (!isIdle) throw new TypeError(`The application is ${this.#state}: local state can be deleted before it runs or when it has ended.`)
    this.#cleaning = this.#parts.slot.clear()
    await this.#cleaning
  }

  async #begin(): Promise<void> {
    const { definition, context, plan } = this.#parts
    this.#go('rebalancing')
    await this.#cleaning?.catch(() => undefined)
    const options = sourceOptions(this.#parts, this.#housekeeping.kept, this.#standbys)
    this.#source = await definition.transport.openSource(options, context)
    if (this.#ending) return
    if (options.standbys !== undefined && this.#source.placesStandbys !== true) {
      context.logger.warn({}, 'the transport says of no process which tasks it is to follow: hotStandby follows all')
      this.#standbys?.place(undefined)
    }
    this.#outlet = await this.#openOutlet()
    if (this.#ending) return
    this.#reader = new Reader({
      source: this.#source,
      clock: definition.clock,
      logger: context.logger,
      buffer: this.#environment.buffer,
      readings: () => this.#manager.readings,
      onError: (error) => this.#fail(error),
    })
    this.#scheduler.start()
    this.#housekeeping.start()
    await this.#source.subscribe(plan.subscription, this.#manager)
    this.#reader.start()
  }

  /** Who closes it meanwhile misses nothing: it had nothing to finish. */
  #notBegun(error: unknown): void {
    if (this.#closing === undefined || !mayPass(error)) this.#fail(error)
    else this.#parts.context.logger.warn({ err: error }, 'the application was closed before it could begin')
  }

  async #shutDown(): Promise<void> {
    if (this.#state === 'error' || this.#state === 'pending-error') return this.#ended.promise
    this.#go('pending-shutdown')
    try {
      await this.#release()
    } catch (error) {
      this.#go('pending-error')
      this.#go('error')
      this.#ended.reject(error)
      throw error
    }
    this.#go('not-running')
    this.#ended.resolve()
  }

  /** The application can't go on: commits what is finished, releases everything, and rejects `run`. */
  #fail(error: unknown): void {
    if (this.#failure !== undefined || this.#state === 'not-running') return
    this.#failure = error
    this.#parts.context.logger.error({ err: error }, 'the application stops because of an error')
    if (this.#closing !== undefined) return
    this.#go('pending-error')
    this.#release()
      .catch((second: unknown) => this.#parts.context.logger.error({ err: second }, 'stopping was not clean'))
      .finally(() => {
        this.#go('error')
        this.#ended.reject(error)
      })
  }

  /**
   * Finishes what is under way, commits it and closes everything that was opened, in the order that lets each do its last work. Whatever fails,
   * the rest is closed; the first error is thrown at the end.
   */
  async #release(): Promise<void> {
    const { admin, slot, definition } = this.#parts
    const errors: unknown[] = []
    const steps = [
      // What is just being opened must be there to be closed.
      () => this.#beginning,
      () => this.#reader?.stop(),
      () => this.#manager.drain(),
      () => this.#recovery.stop(),
      () => settledWithin(this.#scheduler.stop(), QUIET_MS, definition.clock),
      () => settledWithin(this.#housekeeping.stop(), QUIET_MS, definition.clock),
      () => this.#source?.close(),
      () => this.#reader?.ended(),
      () => this.#outlet?.close(undefined),
      () => Promise.all([this.#environment.careful.close(), this.#environment.outside.close()]),
      () => admin.close(),
      () => slot.release(),
    ]
    for (const step of steps) {
      try {
        await step()
      } catch (error) {
        errors.push(error)
      }
    }
    // What failed while the application was closing has nobody else to tell.
    if (this.#failure !== undefined && this.#closing !== undefined) errors.unshift(this.#failure)
    if (errors.length > 0) throw errors[0]
  }

  get #ending(): boolean {
    return this.#closing !== undefined || this.#failure !== undefined
  }

  #assertGoingOn(): void {
    if (this.#state === 'error' || this.#state === 'pending-error') throw this.#failure
    if (this.#closing !== undefined || this.#state === 'created') {
      throw new MillraceError('NOT_RUNNING', `The application is ${this.#state}: nothing more will be processed.`, { stage: 'source' })
    }
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
    if (!this.#ending) this.#recovery.begin(reason)
  }

  #assignmentChanged(settled: boolean): void {
    this.#reader?.progressed()
    this.#progress.notify()
    if (this.#state === 'rebalancing' && settled) this.#go('running')
    else if (this.#state === 'running' && !settled) this.#go('rebalancing')
  }

  #tell(event: RuntimeEvent): void {
    tell(this.#parts.definition.observer, [event], { name: 'the observer', logger: this.#parts.context.logger })
  }

  #go(to: AppState): void {
    const from = this.#state
    if (from === to || !isLegalTransition(from, to)) return
    this.#state = to
    this.#parts.context.logger.info({ from, to }, `application ${to}`)
    this.#tell({ type: 'state', stage: 'source', from, to })
    for (const listener of this.#listeners) tell(listener, [to, from], { name: 'a state listener', logger: this.#parts.context.logger })
  }
}

import type { CircuitBreakers, CircuitState, OffsetCommit, SubTopology, TaskState, WireBatch } from '@millrace/core'
import { settledWithin, TaskClosedError, unlessAborted } from '@millrace/core'
import { type Formed, formBatch, mostRecords } from '../batch/batch-former.ts'
import { Wakeup } from '../internal/wakeup.ts'
import { Pipeline } from '../process/pipeline.ts'
import { Punctuations } from '../process/punctuations.ts'
import { type TaskScope, writeTimestampOf } from '../process/task-scope.ts'
import { resolveSink } from '../sink/encode-sink.ts'
import { OutputQueueClosed } from '../sink/output-queue.ts'
import type { PassOutput } from '../sink/sink-output.ts'
import { TaskOutside } from '../sink/task-outside.ts'
import type { PartitionQueue } from '../source/partition-queue.ts'
import type { TaskStores } from '../store/task-stores.ts'
import { OffsetsToCommit } from './offsets-to-commit.ts'
import type { SealedTask } from './sealed-task.ts'
import type { TaskEnvironment } from './task-environment.ts'
import { BatchPass } from './batch-pass.ts'
import { circuitsOf } from './task-circuits.ts'
import { ignoreNode, nodeTeller } from './task-events.ts'
import { assertTaskTransition } from './task-state.ts'

export interface TaskOptions {
  readonly id: string
  readonly subTopology: SubTopology
  readonly partition: number
  /** In the order of the sub-topology's sources and their topics. */
  readonly queues: readonly PartitionQueue[]
  readonly stores: TaskStores
  readonly environment: TaskEnvironment
}

/**
 * One sub-topology on one group of co-partitioned partitions, for one epoch: from its assignment to its revocation or failure. Its loop runs
 * one thing at a time: a pass, or a punctuator.
 */
export class Task {
  readonly id: string
  readonly partition: number
  readonly queues: readonly PartitionQueue[]
  readonly stores: TaskStores
  readonly #environment: TaskEnvironment
  readonly #subTopology: SubTopology
  readonly #abort = new AbortController()
  readonly #wakeup = new Wakeup()
  readonly #punctuations: Punctuations
  readonly #scope: TaskScope
  #pipeline: Pipeline | undefined
  readonly #breakers: CircuitBreakers | undefined
  #passes: BatchPass | undefined
  #state: TaskState = 'created'
  #closed = false
  #finishing: 'drain' | 'revoke' | undefined
  /** While finishing: how many records of each queue may still be processed. */
  #quota = new Map<PartitionQueue, number>()
  #loop: Promise<void> = Promise.resolve()
  #waitingSince: number | undefined
  #waitsFor: 'retry' | 'commit' | undefined
  #recordsSinceSeal = 0
  readonly offsets: OffsetsToCommit
  readonly #outside: TaskOutside

  constructor(options: TaskOptions) {
    this.id = options.id
    this.partition = options.partition
    this.queues = options.queues
    this.stores = options.stores
    this.#environment = options.environment
    this.#subTopology = options.subTopology
    this.#punctuations = new Punctuations(() => options.environment.clock.now())
    this.#scope = this.#makeScope()
    this.offsets = new OffsetsToCommit(options.queues)
    this.#outside = new TaskOutside(options.environment.outside, options.subTopology, options.queues)
    this.#breakers = circuitsOf(options.id, options.environment)
    for (const queue of this.queues) {
      if (queue.partitionTime > this.#scope.streamTime) this.#scope.streamTime = queue.partitionTime
    }
  }

  get state(): TaskState {
    return this.#state
  }

  /** Records read and not yet processed. */
  get waiting(): number {
    return this.queues.reduce((sum, { length }) => sum + length, 0)
  }

  /** What it waits for before it goes on with what is there. */
  get waitsFor(): 'retry' | 'commit' | undefined {
    return this.#waitsFor
  }

  get pass(): BatchPass['current'] {
    return this.#passes?.current
  }

  /** Circuit breakers that are not closed, by node. */
  get circuits(): ReadonlyMap<string, CircuitState> {
    return this.#breakers?.open ?? new Map()
  }

  /** Whether it has nothing to do before something arrives or time passes. */
  get idle(): boolean {
    return this.#wakeup.sleeping && this.#waitsFor === undefined
  }

  /** Throws once this epoch is over. */
  readonly guard = (): void => {
    if (this.#closed) throw new TaskClosedError(this.id)
  }

  /** Its stores are being opened and restored. */
  restoring(): void {
    this.#go('restoring')
  }

  /** Makes and initialises the processors, then begins to process what arrives. */
  async start(): Promise<void> {
    const { definition, directory, clock } = this.#environment
    this.guard()
    this.stores.attach(this.guard, () => writeTimestampOf(this.#scope))
    this.#pipeline = new Pipeline({
      subTopology: this.#subTopology,
      scope: this.#scope,
      punctuations: this.#punctuations,
      directory,
      resolveSink: (node) => resolveSink(node, definition.applicationId),
      outsideSink: (node) => this.#environment.outside.of(node),
      maxOutputBytes: definition.buffer.maxOutputBytes,
      concurrency: definition.concurrency,
      monotonic: () => clock.monotonic(),
      onNode: this.#environment.emit === undefined ? ignoreNode : nodeTeller(this.id, this.#environment.emit),
      breakers: this.#breakers,
    })
    this.#passes = new BatchPass({
      id: this.id,
      pipeline: this.#pipeline,
      breakers: this.#breakers,
      stores: this.stores,
      punctuations: this.#punctuations,
      scope: this.#scope,
      environment: this.#environment,
      wait: (delayMs) => this.#waitForRetry(delayMs),
      mayOverlap: () => this.#finishing === undefined && this.#punctuations.nextDue('stream-time') === Infinity,
      onPassed: (queue, records, output) => this.#passed(queue, records, output),
    })
    await this.#outside.assign(this.#abort.signal)
    this.guard()
    this.stores.begin()
    this.#scope.writeTimestamp = clock.now()
    await this.#pipeline.init()
    this.guard()
    this.stores.succeed()
    this.#go('running')
    this.#loop = this.#run()
  }

  /** What it waits for may have changed. */
  wake(): void {
    this.#wakeup.notify()
  }

  /** Takes records of one of its partitions. */
  offer(queue: PartitionQueue, wire: WireBatch): void {
    if (this.#closed || this.#finishing !== undefined) {
      wire.release()
      return
    }
    queue.append(wire, this.#environment.clock.now())
    this.#wakeup.notify()
  }

  /** One of its partitions was read to its end. */
  offerEnd(queue: PartitionQueue, offset: number): void {
    if (this.#finishing !== undefined) return
    queue.markEnd(offset)
    this.#wakeup.notify()
  }

  /**
   * Finishes the pass under way and one last, partial batch of each partition; hands back the rest. After half of `limitMs` the task's signal
   * is aborted, after all of it what still runs is abandoned. Never rejects.
   */
  async finish(reason: 'drain' | 'revoke', limitMs: number): Promise<void> {
    if (this.#state !== 'running') return
    this.#go('finishing')
    this.#finishing = reason
    // With several inputs nothing more is taken: the record that should come next may not have arrived.
    if (this.queues.length === 1) for (const queue of this.queues) this.#quota.set(queue, mostRecords(queue))
    this.#wakeup.notify()
    const { clock } = this.#environment
    const cancelAbort = clock.after(limitMs / 2, () => this.interrupt())
    const finished = await settledWithin(this.#loop, limitMs, clock)
    cancelAbort()
    if (!finished) {
      this.#environment.logger.warn({ task: this.id, limitMs }, 'a pass did not end in time and was abandoned')
      this.#closed = true
      this.stores.rollback()
    }
  }

  /** What finished passes left to be committed, also if that is but what it has `putOut`; undefined: nothing. Synchronous: no pass can slip in. */
  seal(putOut: boolean): SealedTask | undefined {
    const { offsets, held } = this.offsets.take()
    const changelog = this.stores.seal()
    if (offsets.length === 0 && !this.stores.sealed && !putOut) return undefined
    const records = this.#recordsSinceSeal
    this.#recordsSinceSeal = 0
    return { task: this, offsets, held, changelog, records }
  }

  /** The commit of what was sealed is confirmed: writes local state. */
  async persist(offsets: readonly OffsetCommit[]): Promise<void> {
    await this.stores.persist(offsets)
    this.#wakeup.notify()
  }

  /** It is to be closed: who makes its processors, or is one of them, is asked to end. */
  interrupt(): void {
    this.#abort.abort(new TaskClosedError(this.id))
  }

  /** Ends this epoch: nothing of it has any effect from now on. Unsealed state is dropped. Never rejects. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#go('closed')
    const abandoned = this.#closed
    this.#closed = true
    this.interrupt()
    this.#outside.revoke()
    const { clock, definition, logger } = this.#environment
    const { revokeTimeoutMs } = definition
    this.#finishing ??= 'revoke'
    this.#quota.clear()
    this.#wakeup.notify()
    // Closing processors while one of them still runs would pull the rug from under it: give it a moment.
    const ended = abandoned || (await settledWithin(this.#loop, revokeTimeoutMs, clock))
    if (!ended) logger.warn({ task: this.id }, 'a pass still runs while its task is closed; what it does has no effect')
    this.#punctuations.clear()
    for (const queue of this.queues) queue.clear()
    const closing = this.#pipeline
      ?.close()
      .catch((error: unknown) => logger.warn({ task: this.id, err: error }, 'a processor failed to close'))
    if (!(await settledWithin(Promise.resolve(closing), revokeTimeoutMs, clock)))
      logger.warn({ task: this.id, limitMs: revokeTimeoutMs }, 'the processors of a task did not close in time')
    if (!(await settledWithin(this.stores.close(), revokeTimeoutMs, clock)))
      logger.warn({ task: this.id, limitMs: revokeTimeoutMs }, 'the stores of a task did not close in time')
  }

  async #run(): Promise<void> {
    try {
      while (!this.#closed && (await this.#step())) {
        // Each step is one pass, one punctuator or one wait.
      }
    } catch (error) {
      // A writer that was given up is recovered from, and so is this task; a pass that gave up because it was asked to has not failed.
      if (this.#closed || error instanceof OutputQueueClosed || this.#abort.signal.aborted) return
      this.#environment.fail(error)
    }
  }

  /** Returns false when there is nothing left to do for ever. */
  async #step(): Promise<boolean> {
    const { clock, definition, buffer } = this.#environment
    const full = [this.#environment.output(), this.#outside].find((one) => one.full)
    if (full !== undefined) return unlessAborted(full.room(), this.#abort.signal).then(() => !this.#abort.signal.aborted)
    if (this.#stateIsFull) {
      if (this.#finishing !== undefined) return false
      this.#waitsFor = 'commit'
      this.#environment.requestCommit()
      await this.#wakeup.wait()
      this.#waitsFor = undefined
      return true
    }
    await this.#environment.turns.take()
    if (this.#closed) return false
    const now = clock.now()
    // A pass follows each punctuator, so that one that is slower than its interval does not starve the records.
    const punctuated = this.#finishing === undefined && (await this.#punctuate('wall-clock', now))
    if (this.#closed) return false
    const rest = this.#finishing === undefined ? this.#passes?.rest : undefined
    const forming =
      rest ??
      formBatch(this.#finishing === undefined ? this.queues : this.#withQuota(), {
        now,
        streamTime: this.#scope.streamTime,
        punctuateAt: this.#punctuations.nextDue('stream-time'),
        finishing: this.#finishing,
        stalled: buffer.stalled,
        maxTaskIdleMs: definition.maxTaskIdleMs,
        waitingSince: this.#waitingSince,
      })
    if ('queue' in forming) {
      this.#waitingSince = undefined
      await this.#pass(forming)
      while (await this.#punctuate('stream-time', this.#scope.streamTime)) {
        if (this.#closed) return false
      }
      return true
    }
    if (this.#finishing !== undefined) return false
    if (punctuated) return true
    this.#waitingSince = forming.blocked ? (this.#waitingSince ?? now) : undefined
    await this.#sleep(Math.min(forming.waitMs ?? Infinity, this.#punctuations.nextDue('wall-clock') - now))
    return true
  }

  /** One batch, all of it or, while the task is finishing, as much as may still be processed. */
  async #pass(formed: Formed): Promise<void> {
    const most = this.#finishing === undefined ? Infinity : (this.#quota.get(formed.queue) ?? 0)
    const taken = formed.count <= most ? formed : { ...formed, count: most }
    // What is handed back is not taken again.
    if (!(await (this.#passes as BatchPass).run(taken))) this.#quota.clear()
  }

  #passed(queue: PartitionQueue, records: number, output: PassOutput): void {
    queue.drop(records)
    const quota = this.#quota.get(queue)
    if (quota !== undefined) this.#quota.set(queue, quota - records)
    this.#recordsSinceSeal += records
    this.#environment.output().append(output, this)
    this.#outside.accept(output)
    if (this.#outside.holdsBack) this.offsets.passed(queue)
    this.#environment.onProgress(records, this.stores.uncommittedBytes)
  }

  /** Waits for a retry, unless the task is to end. */
  async #waitForRetry(delayMs: number): Promise<boolean> {
    const { clock } = this.#environment
    const until = clock.monotonic() + delayMs
    this.#waitsFor = 'retry'
    try {
      for (;;) {
        if (this.#finishing !== undefined) return false
        const left = until - clock.monotonic()
        if (left <= 0) return true
        await this.#sleep(left)
      }
    } finally {
      this.#waitsFor = undefined
    }
  }

  /** Runs one punctuator that is due, as a unit of its own. Returns whether one was. */
  async #punctuate(type: 'stream-time' | 'wall-clock', time: number): Promise<boolean> {
    const punctuation = time < 0 ? undefined : this.#punctuations.takeDue(type, time)
    if (punctuation === undefined) return false
    this.stores.begin()
    let output: PassOutput
    try {
      output = await (this.#pipeline as Pipeline).punctuate(punctuation, time)
      this.guard()
    } catch (error) {
      this.stores.rollback()
      throw error
    }
    this.stores.succeed()
    this.#environment.output().append(output, this)
    this.#outside.accept(output)
    this.#environment.onProgress(0, this.stores.uncommittedBytes)
    return true
  }

  /** Changes of state wait for commits: what is being committed, and as much again. */
  get #stateIsFull(): boolean {
    return this.stores.uncommittedBytes >= 2 * this.#environment.definition.commit.maxUncommittedBytes
  }

  async #sleep(limitMs: number): Promise<void> {
    const cancel = limitMs === Infinity ? undefined : this.#environment.clock.after(Math.max(0, limitMs), () => this.#wakeup.notify())
    await this.#wakeup.wait().finally(() => cancel?.())
  }

  #withQuota(): readonly PartitionQueue[] {
    return this.queues.filter((queue) => (this.#quota.get(queue) ?? 0) > 0 && queue.length > 0 && queue.countGood(1) > 0)
  }

  #makeScope(): TaskScope {
    const { definition, logger, requestCommit } = this.#environment
    return {
      applicationId: definition.applicationId,
      taskId: this.id,
      partition: this.partition,
      logger,
      signal: this.#abort.signal,
      guard: this.guard,
      streamTime: -1,
      writeTimestamp: -1,
      requestCommit,
      storeHandle: (name, timestamp) => this.stores.handle(name, timestamp),
    }
  }

  #go(state: TaskState): void {
    assertTaskTransition(this.id, this.#state, state)
    this.#state = state
  }
}

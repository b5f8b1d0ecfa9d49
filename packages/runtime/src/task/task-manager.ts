import {
  MillraceError,
  type OffsetCommit,
  partitionKey,
  type RebalanceListener,
  type RecordSource,
  settledWithin,
  type StartPosition,
  type TopicPartition,
  unlessAborted,
} from '@millrace/core'
import type { PlannedSubTopology, TopicPlan } from '../app/topic-plan.ts'
import { Exclusive } from '../internal/exclusive.ts'
import { retrying } from '../internal/retrying.ts'
import type { Reading } from '../source/reader.ts'
import { TopicIdentities } from '../source/topic-identities.ts'
import type { Standbys } from '../standby/standbys.ts'
import { TaskStores } from '../store/task-stores.ts'
import { Activation, type ActivationSteps } from './activation.ts'
import { taskSplit } from './assignment-errors.ts'
import { commitLast, isOthers, type LastCommitSteps, noteUpToDate, abandonLost } from './last-commit.ts'
import { type AssignedPartition, makeQueue } from './assigned-partition.ts'
import { type CreatedTasks, moveTo, standingStill } from './created-tasks.ts'
import { type AssignedTopic, checkPartitionCounts } from './partition-counts.ts'
import { findOwnOffsets, type OpenedTask } from './own-offsets.ts'
import { type PlannedInput, plannedInput } from './planned-input.ts'
import { partitionOf, positionOf, resolveStarts } from './start-positions.ts'
import { Task } from './task.ts'

/** How long a task may miss some of its partitions before that is an error: a cooperative rebalance may bring them one after another. */
const SPLIT_GRACE_MS = 30_000

export interface TaskManagerOptions extends LastCommitSteps {
  readonly plan: TopicPlan
  readonly source: () => RecordSource
  readonly restore: ActivationSteps['restore']
  /** Rejects unless this process is a member of its group still, by the group's word; `held`: an offset as it is committed already. */
  readonly confirm: (held: OffsetCommit) => Promise<void>
  /** Follows the tasks that are elsewhere, if that is wanted. */
  readonly standbys: Standbys | undefined
  /** Ids of the tasks that are here, told at the end of what changes them: nothing that was here before is being closed any more. */
  readonly onPlaced: (here: ReadonlySet<string>) => void
  /** Something was assigned or taken away: `settled` once every assigned task runs. */
  readonly onAssignment: (settled: boolean) => void
  /** A failure after which the tasks may be recovered. */
  readonly onFailure: (error: unknown) => void
}

/** Makes tasks of assigned partitions and takes them apart again. */
export class TaskManager implements RebalanceListener {
  readonly #options: TaskManagerOptions
  #isMember = false
  readonly #tasks = new Map<string, Task>()
  readonly #readings = new Map<string, Reading>()
  /** Every partition assigned now, by task. */
  readonly #assigned = new Map<string, Map<string, AssignedPartition>>()
  readonly #activations = new Set<Activation>()
  readonly #exclusive = new Exclusive()
  readonly #identities: TopicIdentities
  /** Cancel the timers of tasks that miss some of their partitions. */
  readonly #splitWatches = new Set<() => void>()
  /** Aborted once nothing new is begun. */
  readonly #stop = new AbortController()

  constructor(options: TaskManagerOptions) {
    this.#options = options
    this.#identities = new TopicIdentities(options.environment)
  }

  get tasks(): readonly Task[] {
    return [...this.#tasks.values()]
  }

  get readings(): ReadonlyMap<string, Reading> {
    return this.#readings
  }

  /** Whether every assigned task runs. */
  get settled(): boolean {
    return this.#activations.size === 0
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted
  }

  readonly onAssigned = (partitions: readonly TopicPartition[]): Promise<readonly StartPosition[]> =>
    this.#exclusive.run(async () => {
      this.#isMember = true
      if (partitions.length === 0) {
        this.#options.onAssignment(this.settled)
        this.#options.onPlaced(this.#here)
        return []
      }
      this.#options.onAssignment(false)
      const starts = await this.#begin(partitions)
      this.#options.onPlaced(this.#here)
      return starts
    })

  /** Makes tasks of what was assigned; resolves to where its reading begins. */
  async #begin(partitions: readonly TopicPartition[]): Promise<readonly StartPosition[]> {
    const { signal } = this.#stop
    const found = partitions.map(({ topic, partition }) => ({ topic, partition, ...this.#inputOf(topic) }))
    const checking = retrying(() => this.#check(found), signal)
    await unlessAborted(checking, signal)
    if (signal.aborted) return standingStill(partitions)
    const touched = new Set<string>()
    for (const { topic, partition, planned, source } of found) {
      const id = `${planned.subTopology.index}_${partition}`
      touched.add(id)
      const known = this.#assigned.get(id)
      const entry = { topic, partition, source }
      if (known === undefined) this.#assigned.set(id, new Map([[topic, entry]]))
      else known.set(topic, entry)
    }
    // A task that runs already and gets one more topic (a pattern matched a new one) is made anew.
    const grown = [...touched].flatMap((id) => this.#tasks.get(id) ?? [])
    if (grown.length > 0) await this.#release(grown, 'revoke')
    const created = await this.#createUnlessStopped([...touched])
    if (created === undefined) return standingStill(partitions)
    const keys = new Set(partitions.map(({ topic, partition }) => partitionKey(topic, partition)))
    const isNew = ({ topic, partition }: TopicPartition) => keys.has(partitionKey(topic, partition))
    const { positions } = created
    const known = positions.filter((at) => !isNew(at))
    try {
      await moveTo(known, created, this.#options.source())
    } catch (error) {
      if (!(error instanceof MillraceError && error.retryable)) throw error
      // The partitions are here now. Were it the source alone that is told, nobody would make their tasks any more.
      this.#options.onFailure(error)
      return standingStill(partitions)
    }
    return positions.filter(isNew)
  }

  /** Rejects if the topics of partitions are not those that this application was started with. */
  async #check(found: readonly AssignedTopic[]): Promise<void> {
    await checkPartitionCounts(found, this.#options.environment.admin)
    await this.#identities.note(found.map(({ topic }) => topic))
  }

  /** Ids of the tasks that are, or will be, in this process; undefined while the group has not said, or has put it out. */
  get here(): ReadonlySet<string> | undefined {
    return this.#isMember ? this.#here : undefined
  }

  get #here(): ReadonlySet<string> {
    return new Set([...this.#assigned.keys(), ...this.#tasks.keys()])
  }

  /** Those of them that have a store; undefined as `here`. */
  havingStore(name: string): string[] | undefined {
    const ids = this.here
    return ids && [...ids].filter((id) => this.#plannedOf(id).subTopology.stores.some((store) => store.name === name))
  }

  readonly onRevoked = (partitions: readonly TopicPartition[]): Promise<void> => this.#giveUp(partitions, 'revoked')

  readonly onLost = (partitions: readonly TopicPartition[]): Promise<void> => {
    this.#isMember = false
    return this.#giveUp(partitions, 'lost')
  }

  /**
   * Finishes every task and commits; nothing is processed afterwards. Rejects if that last commit failed, unless the partitions have gone to
   * others already, who process again what was not committed.
   */
  drain(): Promise<void> {
    // At once, for what is under way to end soon.
    this.#stop.abort()
    this.#identities.stop()
    const { standbys, environment } = this.#options
    const stopping = standbys?.stop() ?? Promise.resolve()
    return this.#exclusive.run(async () => {
      for (const cancel of this.#splitWatches) cancel()
      const failure = await this.#release(this.tasks, 'drain')
      if (!(await settledWithin(stopping, environment.definition.revokeTimeoutMs, environment.clock)))
        environment.logger.warn({}, 'stores that follow tasks elsewhere did not close in time')
      if (failure !== undefined && !isOthers(failure.error)) throw failure.error
    })
  }

  /**
   * The one recovery path: closes all tasks without writing, lets `reopen` make a new writer, and makes the tasks anew from what is committed.
   */
  recover(reopen: () => Promise<void>): Promise<void> {
    return this.#exclusive.run(async () => {
      if (this.#stopped) return
      this.#options.onAssignment(false)
      await this.#release(this.tasks, 'lost')
      await reopen()
      if (this.#stopped) return
      // A process that stood still for longer than its session fails first, and hears later that its partitions are others': it must not begin with them again.
      const created = await this.#createUnlessStopped([...this.#assigned.keys()], this.#options.confirm)
      if (created === undefined) return
      await moveTo(created.positions, created, this.#options.source())
      this.#options.onAssignment(this.settled)
    })
  }

  #giveUp(partitions: readonly TopicPartition[], how: 'revoked' | 'lost'): Promise<void> {
    return this.#exclusive.run(async () => {
      const leaving = new Set<Task>()
      const touched = new Set<string>()
      for (const { topic, partition } of partitions) {
        const { planned } = this.#inputOf(topic)
        const id = `${planned.subTopology.index}_${partition}`
        touched.add(id)
        const known = this.#assigned.get(id)
        known?.delete(topic)
        if (known?.size === 0) this.#assigned.delete(id)
        const task = this.#tasks.get(id)
        if (task !== undefined) leaving.add(task)
      }
      if (partitions.length > 0) this.#options.onAssignment(false)
      const tasks = [...leaving]
      if (how === 'lost' && tasks.length > 0) abandonLost(tasks, this.#options)
      await this.#release(tasks, how === 'lost' ? 'lost' : 'revoke')
      for (const id of touched) this.#holdRest(id)
      this.#identities.retain(new Set([...this.#assigned.values()].flatMap((topics) => [...topics.keys()])))
      if (tasks.length > 0) this.#options.environment.emit?.({ type: how, stage: 'source', tasks: tasks.map((task) => task.id) })
      this.#options.onPlaced(this.#here)
      this.#options.onAssignment(this.settled)
    })
  }

  /** What is left of a task that was split by a revoke is not read until the rest comes back. */
  #holdRest(id: string): void {
    const rest = [...(this.#assigned.get(id)?.values() ?? [])]
    if (rest.length === 0 || this.#stopped) return
    this.#options.source().pause(rest)
    this.#watchSplit(id)
  }

  /** Ends tasks: after finishing and committing, or (lost) at once. Never rejects; resolves to why the last commit failed, if it did. */
  async #release(tasks: readonly Task[], how: 'revoke' | 'drain' | 'lost'): Promise<{ readonly error: unknown } | undefined> {
    if (tasks.length === 0) return undefined
    let failure: { readonly error: unknown } | undefined
    const { environment } = this.#options
    const { clock, logger } = environment
    const { revokeTimeoutMs } = environment.definition
    const removing = Promise.all([...this.#activations].map((activation) => activation.remove(tasks)))
    if (!(await settledWithin(removing, revokeTimeoutMs, clock)))
      logger.warn({ limitMs: revokeTimeoutMs }, 'tasks that were being started did not stop in time')
    if (how !== 'lost') {
      await Promise.all(tasks.map((task) => task.finish(how, revokeTimeoutMs)))
      failure = await commitLast(tasks, this.#options)
      if (failure === undefined) await noteUpToDate(tasks, environment)
    }
    for (const task of tasks) {
      this.#tasks.delete(task.id)
      for (const { topic, partition } of task.queues) this.#readings.delete(partitionKey(topic, partition))
    }
    await Promise.all(tasks.map((task) => task.close()))
    // Queues that were full are empty now: whoever waits for room is told.
    environment.onProgress(0, 0)
    return failure
  }

  /** As `#create`; undefined once nothing new is begun: a shutdown neither waits for brokers that are away, nor is failed by them. */
  async #createUnlessStopped(ids: readonly string[], confirm?: TaskManagerOptions['confirm']): Promise<CreatedTasks | undefined> {
    const { signal } = this.#stop
    const creating = retrying(() => this.#create(ids, confirm), signal)
    const created = await unlessAborted(creating, signal)
    if (created === undefined) creating.then(({ discard }) => discard()).catch(() => undefined)
    return created
  }

  /**
   * Makes tasks of all complete ones of `ids`, and says where their partitions are to be read from. Nothing reaches them before `publish`, so
   * that what was read before from other positions can't either.
   */
  async #create(ids: readonly string[], confirm?: TaskManagerOptions['confirm']): Promise<CreatedTasks> {
    const { environment, restore } = this.#options
    const source = this.#options.source()
    const assigned = ids.flatMap((id) => [...(this.#assigned.get(id)?.values() ?? [])])
    if (assigned.length === 0) return { positions: [], publish: () => undefined, discard: async () => undefined }
    const committed = await source.committed(assigned)
    if (committed[0] !== undefined) await confirm?.(committed[0])
    const starts = await resolveStarts(assigned, committed, environment.admin)
    const offsets = new Map<string, OffsetCommit>()
    for (const known of [...committed, ...starts]) offsets.set(partitionKey(known.topic, known.partition), known)
    const held = new Set(ids.filter((id) => this.#stopped || this.#missingTopics(id).length > 0))
    if (!this.#stopped) for (const id of held) this.#watchSplit(id)
    const opened = ids.flatMap((id) => (held.has(id) ? [] : this.#openedTask(id, offsets)))
    // Before anything is opened.
    for (const { topic, partition, source: node } of assigned) positionOf(offsets, { topic, partition }, node)
    const own = await findOwnOffsets(opened, environment)
    for (const at of own) offsets.set(partitionKey(at.topic, at.partition), at)
    const created = opened.map(({ id, stores }) => this.#createTask(id, offsets, stores))
    const positions = assigned.map(({ topic, partition, source: node }) => ({
      topic,
      partition,
      offset: positionOf(offsets, { topic, partition }, node),
      paused: held.has(this.#taskOf(topic, partition)),
    }))
    const publish = () => {
      if (created.length === 0) return
      for (const task of created) {
        this.#tasks.set(task.id, task)
        for (const queue of task.queues) this.#readings.set(partitionKey(queue.topic, queue.partition), { task, queue })
      }
      environment.emit?.({ type: 'assigned', stage: 'source', tasks: created.map((task) => task.id) })
      this.#activate(new Activation(created, [...starts, ...own], this.#steps(offsets, restore)))
    }
    return { positions, publish, discard: () => Promise.all(opened.map(({ stores }) => stores.close())) }
  }

  #openedTask(id: string, offsets: ReadonlyMap<string, OffsetCommit>): OpenedTask {
    const { stores } = this.#plannedOf(id).subTopology
    const inputs = [...(this.#assigned.get(id)?.values() ?? [])]
    const committed = inputs.flatMap(({ topic, partition }) => offsets.get(partitionKey(topic, partition)) ?? [])
    const opened = new TaskStores(this.#options.environment, id, partitionOf(id), stores)
    return { id, stores: opened, committed, open: () => this.#openStores(id, opened, committed) }
  }

  #createTask(id: string, offsets: ReadonlyMap<string, OffsetCommit>, stores: TaskStores): Task {
    const { environment } = this.#options
    const { subTopology, inputs } = this.#plannedOf(id)
    const order = inputs.map(({ topic }) => topic)
    const parts = [...(this.#assigned.get(id) as Map<string, AssignedPartition>).values()]
    parts.sort((a, b) => order.indexOf(a.topic) - order.indexOf(b.topic))
    const queues = parts.map((part) => makeQueue(part, { offsets, subTopology, environment }))
    return new Task({ id, subTopology, partition: partitionOf(id), queues, stores, environment })
  }

  #openStores(id: string, stores: TaskStores, committed: readonly OffsetCommit[]): Promise<void> {
    return stores.open(committed, async () => this.#options.standbys?.take(id))
  }

  #steps(offsets: ReadonlyMap<string, OffsetCommit>, restore: ActivationSteps['restore']): ActivationSteps {
    return {
      open: ({ id, stores, queues }) =>
        this.#openStores(
          id,
          stores,
          queues.flatMap(({ topic, partition }) => offsets.get(partitionKey(topic, partition)) ?? []),
        ),
      restore,
      onFailedLate: ({ id }, error) =>
        this.#options.environment.logger.debug(
          { task: id, err: error },
          'a task that was being started was taken away before it had ended',
        ),
      commitStarts: (starts) => this.#options.source().commit(starts),
    }
  }

  #activate(activation: Activation): void {
    this.#activations.add(activation)
    const ended = () => {
      this.#activations.delete(activation)
      this.#options.standbys?.wake()
    }
    activation.run().then(
      () => {
        ended()
        this.#options.onAssignment(this.settled)
      },
      (error: unknown) => {
        ended()
        this.#options.onFailure(error)
      },
    )
  }

  #missingTopics(id: string): string[] {
    const has = this.#assigned.get(id)
    const partition = partitionOf(id)
    const { partitions } = this.#options.plan
    // Of a topic that was created later another may have fewer partitions.
    return this.#plannedOf(id).inputs.flatMap(({ topic }) => (has?.has(topic) || partition >= (partitions.get(topic) ?? 0) ? [] : [topic]))
  }

  /** An assignment that splits a task is never run; if it stays so, it is an error. */
  #watchSplit(id: string): void {
    const { environment } = this.#options
    const cancel = environment.clock.after(SPLIT_GRACE_MS, () => {
      this.#splitWatches.delete(cancel)
      const missing = this.#stopped || !this.#assigned.has(id) ? [] : this.#missingTopics(id)
      if (missing.length === 0) return
      environment.fail(taskSplit(id, missing))
    })
    this.#splitWatches.add(cancel)
  }

  #taskOf(topic: string, partition: number): string {
    return `${this.#inputOf(topic).planned.subTopology.index}_${partition}`
  }

  #plannedOf(id: string): PlannedSubTopology {
    return this.#options.plan.subTopologies[Number(id.slice(0, id.indexOf('_')))] as PlannedSubTopology
  }

  #inputOf(topic: string): PlannedInput {
    return plannedInput(this.#options.plan, topic)
  }
}

import type { AppHealth, RuntimeEvent, TaskHealth, ThreadHealth } from '@millrace/core'

/** Why an application is not ready. */
export interface NotReady {
  readonly reason: 'not-running' | 'failed' | 'brokers-away' | 'rebalancing' | 'restoring' | 'circuit-open' | 'stuck'
  /** In words, with what it concerns. */
  readonly detail: string
  /** The task it concerns. */
  readonly task?: string | undefined
  /** The node whose circuit is open. */
  readonly node?: string | undefined
  /** The store that is being restored. */
  readonly store?: string | undefined
  /** Where records wait. */
  readonly topic?: string | undefined
  /** Where records wait. */
  readonly partition?: number | undefined
  /** For how long, in milliseconds, where that is known. */
  readonly forMs?: number | undefined
}

/** Whether an application processes all it has. */
export interface ReadinessReport {
  readonly ready: boolean
  readonly state: AppHealth['state']
  readonly problems: readonly NotReady[]
}

export interface ReadinessOptions {
  /** How long a pass may run, or waiting records may wait beyond the time-out of their batch, before a task counts as stuck, in milliseconds. */
  readonly stuckAfterMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Called before it looks: events may wait to be told. Default: none do. */
  readonly settle?: (() => void) | undefined
}

/** How long brokers may take for an answer, in milliseconds. */
const AWAY_MS = 10_000

interface Restoring {
  readonly task: string
  readonly store: string
  readonly remaining: number
}

/** Says whether an application is ready, and if not, why: it remembers what events tell and asks for the rest. */
export class Readiness {
  readonly events = ['pass-ended', 'retry', 'commit', 'state', 'restore', 'assigned', 'recover', 'revoked', 'lost'] as const
  readonly #options: ReadinessOptions
  readonly #restoring = new Map<string, Restoring>()
  /** When a pass last ended, by task; or when it was assigned. */
  readonly #progress = new Map<string, number>()
  /** When the pass under way was tried again for the first time, by task. */
  readonly #retriedSince = new Map<string, number>()
  /** Since when a task was seen to wait for a commit, while none was confirmed. */
  readonly #commitAwaitedSince = new Map<string, number>()
  /** When brokers were asked for the first time of those that they have not answered yet; undefined: they have answered last. */
  #unansweredSince: number | undefined
  #rebalancingSince: number | undefined

  constructor(options: ReadinessOptions) {
    this.#options = options
  }

  /** `at`: when it happened, in milliseconds since the epoch. */
  readonly observe = (event: RuntimeEvent, at: number = this.#options.now()): void => {
    switch (event.type) {
      case 'pass-ended':
        if (this.#retriedSince.size > 0) this.#retriedSince.delete(event.task)
        if (event.outcome === 'done' || event.outcome === 'cut') this.#progress.set(event.task, at)
        break
      case 'retry':
        if (!this.#retriedSince.has(event.task)) this.#retriedSince.set(event.task, this.#options.now())
        break
      case 'commit':
        this.#commitAwaitedSince.clear()
        break
      case 'state':
        this.#rebalancingSince = event.to === 'rebalancing' ? this.#options.now() : undefined
        break
      case 'restore':
        if (event.phase === 'started' || event.phase === 'progress')
          this.#restoring.set(`${event.task} ${event.store}`, { task: event.task, store: event.store, remaining: event.remainingRecords })
        else this.#restoring.delete(`${event.task} ${event.store}`)
        break
      case 'assigned':
      case 'recover':
        for (const task of event.tasks) {
          this.#progress.set(task, this.#options.now())
          this.#retriedSince.delete(task)
        }
        break
      case 'revoked':
      case 'lost':
        for (const task of event.tasks) {
          this.#progress.delete(task)
          this.#commitAwaitedSince.delete(task)
          this.#retriedSince.delete(task)
          for (const [key, restoring] of this.#restoring) if (restoring.task === task) this.#restoring.delete(key)
        }
        break
      default:
    }
  }

  /** Brokers are asked something. */
  asked(): void {
    this.#unansweredSince ??= this.#options.now()
  }

  /** They have answered. */
  answered(): void {
    this.#unansweredSince = undefined
  }

  look({ state, error, tasks, sinks, threads = [] }: AppHealth): ReadinessReport {
    this.#options.settle?.()
    const ofTasks = tasks.flatMap((task) => this.#ofTask(task, sinks))
    const problems = [...this.#ofState(state, error), ...this.#ofBrokers(), ...ofSinks(sinks), ...this.#ofThreads(threads), ...ofTasks]
    return { ready: problems.length === 0, state, problems }
  }

  #ofState(state: AppHealth['state'], error: unknown): NotReady[] {
    if (error !== undefined || state === 'error' || state === 'pending-error') {
      const why = error instanceof Error ? error.message : 'the log says which'
      return [{ reason: 'failed', detail: `The application stops because of an error: ${why}` }]
    }
    if (state === 'rebalancing') {
      const forMs = this.#rebalancingSince === undefined ? undefined : this.#options.now() - this.#rebalancingSince
      return [{ reason: 'rebalancing', detail: 'Partitions are being assigned, or tasks started.', forMs }]
    }
    return state === 'running' ? [] : [{ reason: 'not-running', detail: `The application is ${state}.` }]
  }

  #ofBrokers(): NotReady[] {
    if (this.#unansweredSince === undefined) return []
    const forMs = this.#options.now() - this.#unansweredSince
    if (forMs <= AWAY_MS) return []
    return [
      {
        reason: 'brokers-away',
        detail: `Brokers have not answered for ${Math.round(forMs / 1_000)} s: nothing is read or committed.`,
        forMs,
      },
    ]
  }

  /** What a thread has told last says nothing of a pass that began after it, and never lets the thread tell any more. */
  #ofThreads(threads: readonly ThreadHealth[]): NotReady[] {
    return threads.flatMap(({ thread, state, tasks, silentMs: forMs }): NotReady[] => {
      if (state === 'died' || forMs <= this.#options.stuckAfterMs) return []
      const has = tasks.length === 0 ? 'it had no tasks' : `it has tasks ${tasks.join(', ')}`
      const detail = `Thread ${thread} has told nothing for ${Math.round(forMs / 1_000)} s, as a processor keeps it busy; ${has}.`
      return [{ reason: 'stuck', detail, forMs }]
    })
  }

  #ofTask(task: TaskHealth, sinks: AppHealth['sinks']): NotReady[] {
    const problems: NotReady[] = []
    if (task.state === 'restoring') problems.push(...this.#ofRestore(task.task))
    for (const [node, circuit] of Object.entries(task.circuits)) {
      if (circuit !== 'open') continue
      problems.push({
        reason: 'circuit-open',
        detail: `The circuit breaker of node '${node}' is open in task ${task.task}: its partition waits.`,
        task: task.task,
        node,
      })
    }
    // While a circuit is open nothing is expected to go on.
    if (problems.length === 0 && ofSinks(sinks).length === 0) problems.push(...this.#ofPass(task))
    return problems
  }

  #ofRestore(task: string): NotReady[] {
    const stores = [...this.#restoring.values()].filter((one) => one.task === task)
    if (stores.length === 0) return [{ reason: 'restoring', detail: `Task ${task} opens its stores.`, task }]
    return stores.map(({ store, remaining }) => ({
      reason: 'restoring',
      detail: `Store '${store}' of task ${task} is being restored: at most ${remaining} records to go.`,
      task,
      store,
    }))
  }

  #ofPass({ task, state, pass, partitions, waitsFor }: TaskHealth): NotReady[] {
    if (state !== 'running') return []
    const { stuckAfterMs, now } = this.#options
    if (pass !== undefined && waitsFor === undefined && pass.runningMs > stuckAfterMs) {
      const { topic, partition, records, runningMs: forMs } = pass
      const detail = `A pass of ${records} records of ${topic}-${partition} has been running for ${Math.round(forMs / 1_000)} s.`
      return [{ reason: 'stuck', detail, task, topic, partition, forMs }]
    }
    const retriedForMs = now() - (this.#retriedSince.get(task) ?? Infinity)
    if (pass !== undefined && retriedForMs > stuckAfterMs) {
      const { topic, partition, records, retries } = pass
      const detail = `A pass of ${records} records of ${topic}-${partition} fails again and again: ${retries} retries in ${Math.round(retriedForMs / 1_000)} s.`
      return [{ reason: 'stuck', detail, task, topic, partition, forMs: retriedForMs }]
    }
    const awaitedForMs = this.#commitAwaited(task, waitsFor)
    if (awaitedForMs > stuckAfterMs) {
      const detail = `Task ${task} has as many changes as may wait for a commit, and none was confirmed for ${Math.round(awaitedForMs / 1_000)} s.`
      return [{ reason: 'stuck', detail, task, forMs: awaitedForMs }]
    }
    const oldest = longestWaiting(partitions)
    if (oldest?.waitingSince === undefined) return []
    const forMs = now() - Math.max(oldest.waitingSince, this.#progress.get(task) ?? 0)
    const limit = stuckAfterMs + (pass === undefined ? oldest.batchTimeoutMs : 0)
    if (forMs <= limit) return []
    const { topic, partition, waitingRecords } = oldest
    const wait = waitsFor === undefined ? '' : `, which waits for a ${waitsFor}`
    const detail = `${waitingRecords} records of ${topic}-${partition} wait, and no pass of task ${task}${wait}, has ended for ${Math.round(forMs / 1_000)} s.`
    return [{ reason: 'stuck', detail, task, topic, partition, forMs }]
  }

  /** For how long a task has been seen to wait for a commit, in milliseconds; 0: it does not. */
  #commitAwaited(task: string, waitsFor: TaskHealth['waitsFor']): number {
    if (waitsFor !== 'commit') {
      this.#commitAwaitedSince.delete(task)
      return 0
    }
    const now = this.#options.now()
    const since = this.#commitAwaitedSince.get(task) ?? now
    this.#commitAwaitedSince.set(task, since)
    return now - since
  }
}

function ofSinks(sinks: AppHealth['sinks']): NotReady[] {
  return Object.entries(sinks).flatMap(([node, circuits]) =>
    Object.entries(circuits).flatMap(([of, circuit]): NotReady[] => {
      if (circuit !== 'open') return []
      return [{ reason: 'circuit-open', detail: `The circuit breaker of '${of}' in sink '${node}' is open: what goes there waits.`, node }]
    }),
  )
}

function longestWaiting(partitions: TaskHealth['partitions']): TaskHealth['partitions'][number] | undefined {
  let longest: TaskHealth['partitions'][number] | undefined
  for (const one of partitions) if ((one.waitingSince ?? Infinity) < (longest?.waitingSince ?? Infinity)) longest = one
  return longest
}

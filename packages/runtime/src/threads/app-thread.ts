import type { MessagePort } from 'node:worker_threads'
import { type AppState, type Clock, type Deferred, deferred, errorFrom, type RuntimeEvent, type ThreadHealth } from '@millrace/core'
import type { MainCalls, MainNews, PackedHealth, ThreadCalls, ThreadNews } from './messages.ts'
import { type Answering, Port } from './port.ts'
import { unpackEvent } from './relayed-events.ts'

export type MainPort = Port<ThreadCalls, MainNews, MainCalls, ThreadNews>

/** A thread that was started: it loads the application, and then answers at its channel. */
export interface StartedThread {
  readonly channel: MessagePort
  /** Resolves when it is gone, with why. */
  readonly gone: Promise<Error>
  /** Ends it, whatever it does. Resolves when it is gone. */
  readonly terminate: () => Promise<unknown>
  /** The share of the time since the last call in which it was busy, from 0 to 1. */
  readonly utilization: () => number
}

export interface AppThreadOptions {
  readonly number: number
  /** How many of this number were there before. */
  readonly replaced: number
  readonly clock: Clock
  readonly calls: Answering<MainCalls>
  readonly onState: () => void
  readonly onEvents: (events: readonly RuntimeEvent[]) => void
  readonly onLog: (entry: Extract<ThreadNews, { type: 'log' }>) => void
  readonly onLetGo: (ticket: number) => void
}

/** What the main thread knows of one of its threads. */
export class AppThread {
  readonly number: number
  readonly port: MainPort
  /** When it was started, by the monotonic clock. */
  readonly began: number
  readonly #started: StartedThread
  readonly #options: AppThreadOptions
  readonly #ready: Deferred<void> = deferred()
  readonly #tasks = new Set<string>()
  #state: AppState | 'died' = 'created'
  #isReady = false
  #health: PackedHealth | undefined
  #here: readonly string[] | undefined
  #heardAt: number

  constructor(started: StartedThread, options: AppThreadOptions) {
    this.number = options.number
    this.#started = started
    this.#options = options
    this.began = options.clock.monotonic()
    this.#heardAt = this.began
    this.port = new Port(started.channel, { calls: options.calls, onNews: (news: ThreadNews) => this.#hear(news) })
    this.#ready.promise.catch(() => undefined)
  }

  /** Resolves when it has loaded the application and is connected; rejects with why it can't, or with why it is gone. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  get gone(): Promise<Error> {
    return this.#started.gone
  }

  get state(): AppState | 'died' {
    return this.#state
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** How many of this number were there before. */
  get replaced(): number {
    return this.#options.replaced
  }

  /** Ids of its tasks, as it has told last. */
  get tasks(): ReadonlySet<string> {
    return this.#tasks
  }

  /** Ids of the tasks that it has or gets; undefined while nobody knows. */
  get here(): readonly string[] | undefined {
    return this.#here
  }

  /** Undefined: it has not told yet. Of a thread that is silent, passes have run on. */
  health(): PackedHealth | undefined {
    const silentMs = this.#silentMs
    const health = this.#health
    if (health === undefined) return undefined
    const tasks = health.tasks.map((task) =>
      task.pass === undefined || task.waitsFor !== undefined
        ? task
        : { ...task, pass: { ...task.pass, runningMs: task.pass.runningMs + silentMs } },
    )
    return { ...health, tasks }
  }

  summary(): ThreadHealth {
    const { replaced } = this.#options
    const utilization = this.#state === 'died' ? 0 : this.#started.utilization()
    return { thread: this.number, state: this.#state, tasks: [...this.#tasks], silentMs: this.#silentMs, replaced, utilization }
  }

  /** It is gone: what it was asked is rejected. */
  died(reason: Error): void {
    this.#state = 'died'
    this.#tasks.clear()
    this.#here = undefined
    this.#health = undefined
    this.#ready.reject(reason)
    this.port.close(reason)
  }

  async terminate(): Promise<void> {
    await this.#started.terminate()
  }

  get #silentMs(): number {
    return this.#options.clock.monotonic() - this.#heardAt
  }

  #hear(news: ThreadNews): void {
    this.#heardAt = this.#options.clock.monotonic()
    switch (news.type) {
      case 'ready':
        this.#isReady = true
        return this.#ready.resolve()
      case 'not-started':
        return this.#ready.reject(errorFrom(news.error))
      case 'state':
        this.#state = news.state
        return this.#options.onState()
      case 'beat':
        this.#health = news.health
        this.#here = news.here
        this.#tasks.clear()
        for (const { task } of news.health.tasks) this.#tasks.add(task)
        return undefined
      case 'events':
        return this.#options.onEvents(news.events.map((event) => unpackEvent(event)))
      case 'log':
        return this.#options.onLog(news)
      case 'let-go':
        return this.#options.onLetGo(news.ticket)
    }
  }
}

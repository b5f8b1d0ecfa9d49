import { type Deferred, deferred } from '@millrace/core'

interface Waiting extends Deferred<void> {
  readonly thread: number
  readonly ticket: number
}

interface Held {
  readonly thread: number
  readonly tickets: Set<number>
}

/** Which thread has the folders of which task: a thread that gets a task waits until the one before has closed its stores. */
export class TaskLocks {
  readonly #held = new Map<string, Held>()
  readonly #waiting = new Map<string, Waiting[]>()

  /** The tasks that somebody has. */
  get held(): Iterable<string> {
    return this.#held.keys()
  }

  /** Resolves when no other thread has the task. `ticket` names the request among those of the thread; it may hold a task more than once. */
  hold(task: string, thread: number, ticket: number): Promise<void> {
    const held = this.#held.get(task)
    if (held === undefined || held.thread === thread) {
      this.#give(task, thread, ticket)
      return Promise.resolve()
    }
    const request = { thread, ticket, ...deferred<void>() }
    const queue = this.#waiting.get(task)
    if (queue === undefined) this.#waiting.set(task, [request])
    else queue.push(request)
    return request.promise
  }

  /** Gives back what a request was given; one that still waits is answered, and has nothing. */
  letGo(thread: number, ticket: number): void {
    for (const [task, queue] of this.#waiting)
      this.#forget(task, queue, (request) => request.thread === thread && request.ticket === ticket)
    for (const [task, held] of this.#held) {
      if (held.thread !== thread || !held.tickets.delete(ticket)) continue
      if (held.tickets.size === 0) this.#free(task)
      return
    }
  }

  /** The thread is gone, with all that it had open. */
  letGoAll(thread: number): void {
    for (const [task, queue] of this.#waiting) this.#forget(task, queue, (request) => request.thread === thread)
    for (const [task, held] of [...this.#held]) if (held.thread === thread) this.#free(task)
  }

  #forget(task: string, queue: readonly Waiting[], isIt: (request: Waiting) => boolean): void {
    for (const request of queue.filter(isIt)) request.resolve()
    const rest = queue.filter((request) => !isIt(request))
    if (rest.length === 0) this.#waiting.delete(task)
    else this.#waiting.set(task, rest)
  }

  #free(task: string): void {
    this.#held.delete(task)
    const [next, ...rest] = this.#waiting.get(task) ?? []
    if (next === undefined) return
    if (rest.length === 0) this.#waiting.delete(task)
    else this.#waiting.set(task, rest)
    this.#give(task, next.thread, next.ticket)
    next.resolve()
  }

  #give(task: string, thread: number, ticket: number): void {
    const held = this.#held.get(task)
    if (held === undefined) this.#held.set(task, { thread, tickets: new Set([ticket]) })
    else held.tickets.add(ticket)
  }
}

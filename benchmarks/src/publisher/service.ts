import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LoopUse } from './loop-use.ts'
import type { Task } from './service-program.ts'
import type { Latency, Throughput } from './ways.ts'

type Result<T extends Task> = T['way'] extends 'steadily' ? Latency : T['way'] extends 'loop' ? LoopUse : Throughput

/** A service that is measured: a process of its own, so that what one does with a client makes no other slower. */
export class Service {
  readonly #process = fork(fileURLToPath(new URL('./service-program.js', import.meta.url)))

  /** Rejects when the process has ended instead. */
  async run<T extends Task>(task: T): Promise<Result<T>> {
    const over = new AbortController()
    const ended = once(this.#process, 'exit', { signal: over.signal }).then(([code]) => {
      throw new Error(`The process of '${task.way}' has ended with ${String(code)}; what it said is above.`)
    })
    ended.catch(() => undefined)
    try {
      const answered = once(this.#process, 'message', { signal: over.signal })
      answered.catch(() => undefined)
      this.#process.send(task)
      const [result] = (await Promise.race([answered, ended])) as [Result<T>]
      return result
    } finally {
      over.abort()
    }
  }

  [Symbol.dispose](): void {
    if (this.#process.connected) this.#process.disconnect()
  }
}

import type { Logger } from '@millrace/core'
import type { ResolvedOptions } from './resolve-options.ts'
import { Threads } from './threads.ts'

/** A part in threads that others use too. */
export interface Lease {
  readonly threads: Threads
  /** Ends the threads if nobody else uses them. Does nothing the second time. */
  release(): Promise<void>
}

interface Shared {
  readonly threads: Threads
  users: number
}

/** The threads of one supplier: started for the first task of the process that needs them, ended with the last. */
export class SharedThreads {
  readonly #options: ResolvedOptions
  #shared: Shared | undefined

  constructor(options: ResolvedOptions) {
    this.#options = options
  }

  acquire(logger: Logger): Lease {
    const shared = (this.#shared ??= { threads: new Threads(this.#options, logger), users: 0 })
    shared.users++
    let released: Promise<void> | undefined
    return { threads: shared.threads, release: () => (released ??= this.#release(shared)) }
  }

  async #release(shared: Shared): Promise<void> {
    if (--shared.users > 0) return
    // Who comes while these end gets new ones.
    this.#shared = undefined
    await shared.threads.close()
  }
}

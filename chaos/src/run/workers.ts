import { closeSync, openSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { WorkerConfig, WorkerMessage, WorkerRequest } from '../worker/messages.ts'
import { complaintsIn } from './complaints.ts'
import { WorkerProcess } from './worker-process.ts'

export interface WorkersOptions {
  readonly count: number
  readonly config: Omit<WorkerConfig, 'stateDir'>
  /** For the state of each worker, and for what they log if that is not wanted elsewhere. */
  readonly folder: string
  readonly log: string | undefined
  readonly say: (line: string) => void
}

/** How often things happened that make a run worth something. */
export interface Happened {
  /** Tasks that a worker got. */
  assigned: number
  /** Changelog records that were read again. */
  restored: number
  recovered: number
}

/** The workers, by number; each keeps its folder when it is started again. */
export class Workers {
  readonly happened: Happened = { assigned: 0, restored: 0, recovered: 0 }
  /** Workers that ended by themselves, and how. */
  readonly unasked: string[] = []
  readonly #options: WorkersOptions
  readonly #logFile: string
  readonly #log: number
  readonly #running = new Map<number, WorkerProcess>()

  constructor(options: WorkersOptions) {
    this.#options = options
    this.#logFile = options.log ?? join(options.folder, 'workers.log')
    this.#log = openSync(this.#logFile, 'a')
  }

  get all(): readonly number[] {
    return Array.from({ length: this.#options.count }, (_, number) => number)
  }

  /** Those that run and do not stand still. */
  get going(): readonly number[] {
    return this.all.filter((number) => this.#running.get(number)?.paused === false)
  }

  get(number: number): WorkerProcess {
    const worker = this.#running.get(number)
    if (worker === undefined) throw new Error(`Worker ${number} does not run.`)
    return worker
  }

  start(number: number): void {
    const { config, say } = this.#options
    const startAgain = () => {
      if (this.#running.get(number) === worker) this.start(number)
    }
    const worker = new WorkerProcess({ ...config, stateDir: this.#stateDir(number) }, this.#log, {
      onMessage: (message) => {
        if (message.type === 'assigned') this.happened.assigned += message.tasks
        else if (message.type === 'restored') this.happened.restored += message.records
        else if (message.type === 'recovered') this.happened.recovered++
      },
      onNoBroker: () => {
        say(`worker ${number} found no broker, and is started again`)
        startAgain()
      },
      onUnasked: (how) => {
        say(`worker ${number} ended by itself (${how}), and is started again`)
        this.unasked.push(`worker ${number}: ${how}`)
        startAgain()
      },
    })
    this.#running.set(number, worker)
  }

  /** Ends a worker as `how` says, and resolves when it has ended. */
  async end(number: number, how: 'kill' | 'close'): Promise<void> {
    const worker = this.get(number)
    this.#running.delete(number)
    await worker[how]()
  }

  async dropState(number: number): Promise<void> {
    await rm(this.#stateDir(number), { recursive: true, force: true })
  }

  /** Rejects with what the worker answers if it can't. One that is started again meanwhile is asked again. */
  async ask(number: number, what: WorkerRequest): Promise<WorkerMessage & { type: 'answer' }> {
    for (;;) {
      const worker = this.get(number)
      try {
        return await worker.ask(what)
      } catch (error) {
        if (this.#running.get(number) === worker) throw error
      }
    }
  }

  /** The last errors that workers logged. */
  async complaints(): Promise<string[]> {
    return complaintsIn(await readFile(this.#logFile, 'utf8'))
  }

  /** Kills what still runs. */
  async dispose(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((number) => this.end(number, 'kill')))
    closeSync(this.#log)
  }

  #stateDir(number: number): string {
    return join(this.#options.folder, String(number))
  }
}

import { readdirSync, readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger, TopicPartition } from '@millrace/core'
import { Exclusive } from '../internal/exclusive.ts'
import type { Standbys } from '../standby/standbys.ts'
import type { TopicPlan } from './topic-plan.ts'

const FILE = 'tasks'
/** Of this process, or of one of its threads. */
const FILES = /^tasks(-\d+)?$/
const TASK = /^(\d+)_(\d+)$/

export interface KeptStateParts {
  readonly plan: TopicPlan
  /** Of this process: it outlives it. */
  readonly folder: string
  /** Of several threads, which share the folder: its number. */
  readonly thread?: number | undefined
  /** What follows tasks that are elsewhere. */
  readonly standbys: Pick<Standbys, 'caughtUp'> | undefined
  readonly logger: Logger
}

/** Which tasks' state is with this process: those that it had last, over restarts, and those that it follows and that are up to date. */
export class KeptState {
  readonly #parts: KeptStateParts
  readonly #exclusive = new Exclusive()
  readonly #file: string
  #had: readonly string[]

  constructor(parts: KeptStateParts) {
    this.#parts = parts
    this.#file = parts.thread === undefined ? FILE : `${FILE}-${parts.thread}`
    this.#had = read(join(parts.folder, this.#file))
  }

  /** Inputs of those tasks. */
  get partitions(): TopicPartition[] {
    const { plan, standbys } = this.#parts
    return [...new Set([...this.#kept, ...(standbys?.caughtUp ?? [])])].flatMap((id) => {
      const [, index, partition] = TASK.exec(id) ?? []
      // What was written may be of a topology that was another.
      const planned = plan.subTopologies[Number(index)]
      if (planned === undefined || planned.subTopology.stores.length === 0) return []
      return planned.inputs.map(({ topic }) => ({ topic, partition: Number(partition) }))
    })
  }

  /** What other threads of the process had lies in the same folder. */
  get #kept(): ReadonlySet<string> {
    const { folder } = this.#parts
    const others = namesIn(folder).filter((name) => FILES.test(name) && name !== this.#file)
    return new Set([...this.#had, ...others.flatMap((name) => read(join(folder, name)))])
  }

  /** These are here now. That none are is not noted: who closes, or was put out, is to have again what it had. */
  note(here: ReadonlySet<string>): void {
    const ids = [...here].toSorted()
    if (ids.length === 0 || ids.join() === this.#had.join()) return
    this.#had = ids
    void this.#exclusive.run(() => this.#write(ids))
  }

  /** Resolves when nothing is being written any more. */
  async close(): Promise<void> {
    await this.#exclusive.run(() => Promise.resolve())
  }

  /** Never rejects: without it tasks only move more than they must. */
  async #write(ids: readonly string[]): Promise<void> {
    const { folder, logger } = this.#parts
    const file = join(folder, this.#file)
    try {
      await writeFile(`${file}.new`, ids.join('\n'))
      await rename(`${file}.new`, file)
    } catch (error) {
      logger.warn({ err: error, file }, 'which tasks are here could not be noted')
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch {
    // None was written yet.
    return []
  }
}

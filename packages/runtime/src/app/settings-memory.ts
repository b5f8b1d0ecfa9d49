import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, TransportAdmin } from '@millrace/core'

type Settings = Readonly<Record<string, string>>

const FILE = 'topic-settings.json'
/** Whoever changes settings to what loses records is noticed a day later at the latest. */
const KEPT_MS = 86_400_000

interface Remembered {
  /** Of the topic: another one of that name is not known. */
  readonly id: string
  readonly at: number
  readonly settings: Settings
}

/**
 * Settings of topics that were found good, in a file of the state folder: to ask for them costs a process that starts again more than all else it does then.
 * What can't be read or written is not remembered.
 */
export class SettingsMemory {
  readonly #folder: string
  readonly #clock: Pick<Clock, 'now'>
  readonly #admin: TransportAdmin
  #ids: ReadonlyMap<string, string | undefined> = new Map()
  #remembered: Readonly<Record<string, Remembered>> = {}

  constructor(folder: string, clock: Pick<Clock, 'now'>, admin: TransportAdmin) {
    this.#folder = folder
    this.#clock = clock
    this.#admin = admin
  }

  /** Of `topics`, the settings of those that are remembered. */
  async recall(topics: readonly string[]): Promise<Map<string, Settings>> {
    this.#ids = new Map((await this.#admin.describeTopics(topics)).map(({ topic, id }) => [topic, id]))
    this.#remembered = await read(join(this.#folder, FILE))
    const now = this.#clock.now()
    const known = topics.flatMap((topic) => {
      const one = this.#remembered[topic]
      const isKnown = one !== undefined && one.id === this.#ids.get(topic) && now >= one.at && now - one.at < KEPT_MS
      return isKnown ? [[topic, one.settings] as const] : []
    })
    return new Map(known)
  }

  /** Remembers settings of topics that `recall` was asked for. */
  async note(settings: ReadonlyMap<string, Settings>): Promise<void> {
    const at = this.#clock.now()
    const added = [...settings].flatMap(([topic, known]) => {
      const id = this.#ids.get(topic)
      return id === undefined ? [] : [[topic, { id, at, settings: known }] as const]
    })
    if (added.length === 0) return
    const file = join(this.#folder, FILE)
    try {
      await mkdir(this.#folder, { recursive: true })
      // In one piece: several processes may share the folder.
      const written = `${file}.${process.pid}`
      await writeFile(written, JSON.stringify({ ...this.#remembered, ...Object.fromEntries(added) }))
      await rename(written, file)
    } catch {
      // It is asked for again.
    }
  }
}

async function read(file: string): Promise<Readonly<Record<string, Remembered>>> {
  try {
    const value = JSON.parse(await readFile(file, 'utf8')) as unknown
    return typeof value === 'object' && value !== null ? (value as Record<string, Remembered>) : {}
  } catch {
    return {}
  }
}

import { type App, type AppDefinition, defineApp, type RuntimeEvent, serdes, silentLogger, start, type Transport } from 'millrace'
import { leveldb } from 'millrace/leveldb'
import type { TracedGroup } from './traced-group.ts'
import { tracedWordCount } from './traced-word-count.ts'

const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })

/** A member of a traced group in this process. */
export class TracedApp implements AsyncDisposable {
  readonly app: App
  readonly running: Promise<void>
  readonly events: readonly RuntimeEvent[]

  private constructor(app: App, events: readonly RuntimeEvent[]) {
    this.app = app
    this.events = events
    this.running = app.run()
    // Whoever looks at it does so later.
    this.running.catch(() => undefined)
  }

  static async start(group: TracedGroup, transport: Transport, overrides: Partial<AppDefinition> = {}): Promise<TracedApp> {
    const events: RuntimeEvent[] = []
    const definition = defineApp({
      topology: tracedWordCount(counts, group.topics),
      applicationId: group.applicationId,
      transport,
      stateDir: group.stateDir('here'),
      logger: silentLogger,
      batch: { size: 20, timeoutMs: 5 },
      commit: { intervalMs: 100 },
      observer: (event) => void (event.type !== 'batch' && event.type !== 'cut' && events.push(event)),
      ...overrides,
    })
    return new TracedApp(await start(definition), events)
  }

  /** How many commits it has made. */
  get commits(): number {
    return this.events.filter(({ type }) => type === 'commit').length
  }

  /** Processes all that there is, and ends in order. */
  async finish(): Promise<void> {
    await this.app.caughtUp()
    await this.app.close()
    await this.running
  }
  /** Ends it, in order or not. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.app[Symbol.asyncDispose]()
  }
}

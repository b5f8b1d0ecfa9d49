import type { StoreBackend, TimeRange } from '@millrace/core'
import { CommittedView } from '../layers/committed-view.ts'
import type { StoreCodec } from '../layers/store-codec.ts'
import type { Page } from '../layers/store-pages.ts'
import type { ObservedTime } from './observed-time.ts'
import type { WindowLayout } from './window-layout.ts'
import { sessionsOf, WindowReads, windowsOf } from './window-reads.ts'

/** What committed state of windows is read from. */
export interface CommittedWindowsOptions {
  readonly name: string
  readonly codec: StoreCodec
  readonly backend: StoreBackend
  readonly windows: WindowLayout
  readonly time: ObservedTime
}

/**
 * Windows or sessions that the backend holds: committed state, for reads from outside the task. It is a `ReadOnlyWindowStore` and a
 * `ReadOnlySessionStore` in one, and shown as the one or the other.
 */
export class CommittedWindows {
  readonly name: string
  readonly fetch: ReturnType<typeof windowsOf>['fetch']
  readonly fetchBatch: ReturnType<typeof windowsOf>['fetchBatch']
  readonly findSessions: ReturnType<typeof sessionsOf>['findSessions']
  readonly findSessionsBatch: ReturnType<typeof sessionsOf>['findSessionsBatch']
  readonly #options: CommittedWindowsOptions
  readonly #rows: CommittedView
  readonly #reads: WindowReads

  constructor(options: CommittedWindowsOptions) {
    const { name, codec, backend, windows, time } = options
    this.name = name
    this.#options = options
    this.#rows = new CommittedView(name, codec, backend)
    this.#reads = new WindowReads({
      name,
      codec,
      windows,
      time,
      now: () => time.committed,
      scan: (range, pageSize) => backend.scan(range, pageSize),
    })
    const ofWindows = windowsOf(this.#reads)
    this.fetch = ofWindows.fetch
    this.fetchBatch = ofWindows.fetchBatch
    const ofSessions = sessionsOf(this.#reads)
    this.findSessions = ofSessions.findSessions
    this.findSessionsBatch = ofSessions.findSessionsBatch
  }

  async get(window: unknown): Promise<unknown> {
    return (await this.getBatch([window]))[0]
  }

  async getBatch(asked: readonly unknown[]): Promise<unknown[]> {
    const { windows, time } = this.#options
    const first = time.firstKept(time.committed)
    const found = await this.#rows.getBatch(asked)
    return found.map((value, i) => (windows.timeOf(asked[i]) < first ? undefined : value))
  }

  fetchAllPages(range?: TimeRange, pageSize?: number): AsyncIterable<Page> {
    return this.#reads.pages(range, pageSize)
  }

  approximateSize(): Promise<number> {
    return this.#rows.approximateSize()
  }
}

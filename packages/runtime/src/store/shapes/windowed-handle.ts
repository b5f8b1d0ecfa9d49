import type {
  BatchSessionStore,
  BatchWindowedStore,
  BatchWindowStore,
  SessionKey,
  SessionRange,
  SessionStore,
  StoreColumns,
  StoreEntry,
  TimeRange,
  WindowKey,
  WindowStore,
} from '@millrace/core'
import { checkKeys, columnsOf } from '../layers/store-arguments.ts'
import type { BatchStoreHandle, StoreHandle } from '../layers/store-handle.ts'
import type { ObservedTime } from './observed-time.ts'
import type { WindowLayout } from './window-layout.ts'
import { sessionsOf, type WindowReads, windowsOf } from './window-reads.ts'

export interface WindowedAccess<Rows extends BatchStoreHandle = BatchStoreHandle> {
  /** The store of rows, by window. */
  readonly rows: Rows
  readonly windows: WindowLayout
  readonly time: ObservedTime
  readonly reads: WindowReads
}

/** What processors use of a store of windows: that of its rows, without those that are too old. */
abstract class WindowedHandle<W> implements BatchWindowedStore<W, unknown> {
  readonly name: string
  readonly retentionMs: number
  protected readonly access: WindowedAccess

  constructor(access: WindowedAccess) {
    this.name = access.rows.name
    this.retentionMs = access.windows.retentionMs
    this.access = access
  }

  isExpired(window: W): boolean {
    const { windows, time } = this.access
    return time.isExpired(windows.timeOf(window))
  }

  async getBatch(windows: readonly W[]): Promise<unknown[]> {
    checkKeys(this.name, 'getBatch', windows)
    const kept = this.#positions(windows, (window) => !this.isExpired(window))
    return spread(kept, windows, (some) => this.access.rows.getBatch(some))
  }

  set(window: W, value: unknown): void {
    const { rows, windows, time } = this.access
    rows.checkWritable()
    if (this.isExpired(window)) return time.drop(1)
    rows.set(window, value)
    time.observe(windows.timeOf(window))
  }

  setBatch(entries: Iterable<StoreEntry<W, unknown>> | StoreColumns<W, unknown>): void {
    const { rows, time } = this.access
    rows.checkWritable()
    const { keys, values } = columnsOf(this.name, entries)
    const { kept, latest } = this.#inOrder(keys as readonly W[])
    time.drop(keys.length - (kept ?? keys).length)
    if (kept === undefined) rows.setBatch({ keys, values })
    else rows.setBatch({ keys: kept.map((i) => keys[i]), values: kept.map((i) => values[i]) })
    time.observe(latest)
  }

  async updateBatch(windows: readonly W[], update: (value: unknown, index: number) => unknown): Promise<unknown[]> {
    checkKeys(this.name, 'updateBatch', windows)
    const { kept, latest } = this.#inOrder(windows)
    this.access.time.drop(windows.length - (kept ?? windows).length)
    const updated = await spread(kept, windows, (some) =>
      this.access.rows.updateBatch(some, kept === undefined ? update : (value, i) => update(value, kept[i] as number)),
    )
    this.access.time.observe(latest)
    return updated
  }

  delete(window: W): void {
    this.access.rows.checkWritable()
    if (this.#mayBeThere(window)) this.access.rows.delete(window)
  }

  deleteBatch(windows: Iterable<W>): void {
    this.access.rows.deleteBatch([...windows].filter((window) => this.#mayBeThere(window)))
  }

  async *all(): AsyncGenerator<StoreEntry<W, unknown>> {
    for await (const page of this.fetchAllPages()) yield* page
  }

  fetchAllPages(range?: TimeRange, pageSize?: number): AsyncIterable<readonly StoreEntry<W, unknown>[]> {
    return this.access.reads.pages(range, pageSize) as AsyncIterable<readonly StoreEntry<W, unknown>[]>
  }

  approximateSize(): Promise<number> {
    return this.access.rows.approximateSize()
  }

  /** Not what is too old, nor what is later than all that was ever set: a restore would take the time of its deletion for that of the store. */
  #mayBeThere(window: W): boolean {
    const { windows, time } = this.access
    const at = windows.timeOf(window)
    return at <= time.now && !time.isExpired(at)
  }

  /** Which of `windows` are kept, one after the other: each may be what makes the next too old. Undefined: all. */
  #inOrder(windows: readonly W[]): { readonly kept: number[] | undefined; readonly latest: number } {
    const { windows: layout, time } = this.access
    let latest = time.now
    const kept = this.#positions(windows, (window) => {
      const at = layout.timeOf(window)
      if (at > latest) latest = at
      return at >= time.firstKept(latest)
    })
    return { kept, latest }
  }

  #positions(windows: readonly W[], isKept: (window: W) => boolean): number[] | undefined {
    const kept: number[] = []
    for (const [i, window] of windows.entries()) if (isKept(window)) kept.push(i)
    return kept.length === windows.length ? undefined : kept
  }
}

/** Asks for the windows at the positions `kept`, or for all, and puts the answers at their positions. */
async function spread(
  kept: readonly number[] | undefined,
  windows: readonly unknown[],
  ask: (some: unknown[]) => Promise<unknown[]>,
): Promise<unknown[]> {
  if (kept === undefined) return ask([...windows])
  const answers = new Array<unknown>(windows.length).fill(undefined)
  const some = await ask(kept.map((i) => windows[i]))
  for (const [i, at] of kept.entries()) answers[at] = some[i]
  return answers
}

/** A window store. */
export class BatchWindowHandle extends WindowedHandle<WindowKey<unknown>> implements BatchWindowStore<unknown, unknown> {
  readonly windowSizeMs: number
  readonly fetch: (key: unknown, range?: TimeRange) => AsyncIterableIterator<StoreEntry<WindowKey<unknown>, unknown>>
  readonly fetchBatch: (keys: readonly unknown[], range?: TimeRange) => Promise<(readonly StoreEntry<WindowKey<unknown>, unknown>[])[]>

  constructor(access: WindowedAccess, windowSizeMs: number) {
    super(access)
    this.windowSizeMs = windowSizeMs
    const { fetch, fetchBatch } = windowsOf(access.reads)
    this.fetch = fetch
    this.fetchBatch = fetchBatch
  }
}

/** The same over a backend that answers at once. */
export class WindowHandle extends BatchWindowHandle implements WindowStore<unknown, unknown> {
  readonly #rows: StoreHandle

  constructor(access: WindowedAccess<StoreHandle>, windowSizeMs: number) {
    super(access, windowSizeMs)
    this.#rows = access.rows
  }

  get(window: WindowKey<unknown>): unknown {
    this.#rows.checkOpen()
    return this.isExpired(window) ? undefined : this.#rows.get(window)
  }
}

/** A session store. */
export class BatchSessionHandle extends WindowedHandle<SessionKey<unknown>> implements BatchSessionStore<unknown, unknown> {
  readonly findSessions: (key: unknown, range?: SessionRange) => AsyncIterableIterator<StoreEntry<SessionKey<unknown>, unknown>>
  readonly findSessionsBatch: (
    keys: readonly unknown[],
    range?: SessionRange,
  ) => Promise<(readonly StoreEntry<SessionKey<unknown>, unknown>[])[]>

  constructor(access: WindowedAccess) {
    super(access)
    const { findSessions, findSessionsBatch } = sessionsOf(access.reads)
    this.findSessions = findSessions
    this.findSessionsBatch = findSessionsBatch
  }
}

/** The same over a backend that answers at once. */
export class SessionHandle extends BatchSessionHandle implements SessionStore<unknown, unknown> {
  readonly #rows: StoreHandle

  constructor(access: WindowedAccess<StoreHandle>) {
    super(access)
    this.#rows = access.rows
  }

  get(session: SessionKey<unknown>): unknown {
    this.#rows.checkOpen()
    return this.isExpired(session) ? undefined : this.#rows.get(session)
  }
}

import type { ByteRange, SessionKey, SessionRange, StoreEntry, StoreRow, TimeRange, WindowKey } from '@millrace/core'
import type { StoreCodec } from '../layers/store-codec.ts'
import { checkPageSize, decodeRows, DEFAULT_PAGE_SIZE, type Page } from '../layers/store-pages.ts'
import type { ObservedTime } from './observed-time.ts'
import type { WindowLayout } from './window-layout.ts'

/** How many keys' windows are looked for at once. */
const CONCURRENT_KEYS = 64

/** What windows are read from. */
export interface WindowReadsOptions {
  readonly name: string
  readonly codec: StoreCodec
  readonly windows: WindowLayout
  readonly time: ObservedTime
  /** Stream time of what is read. */
  readonly now: () => number
  /** Rows as they are when the first page is asked for. */
  readonly scan: (range: ByteRange, pageSize: number) => AsyncIterable<readonly StoreRow[]>
}

/** Times from `from` (inclusive) to `to` (exclusive). */
interface Span {
  readonly from: number
  readonly to: number
  readonly reverse: boolean
}

/** Iterations of a store of windows: uncommitted ones of a task, or of what is committed. What is too old is not among them. */
export class WindowReads {
  readonly #options: WindowReadsOptions

  constructor(options: WindowReadsOptions) {
    this.#options = options
  }

  /** Entries of one key whose time lies within the range. */
  async *entriesOf(
    key: unknown,
    range: TimeRange = {},
    more: (entry: StoreEntry<unknown, unknown>) => boolean = () => true,
  ): AsyncGenerator<StoreEntry<unknown, unknown>> {
    const { name, windows, codec } = this.#options
    const span = this.#span(range)
    if (span.from >= span.to) return
    let isOf: (row: Uint8Array) => boolean
    let spans: ByteRange[]
    try {
      isOf = windows.isOf(key)
      spans = windows.spansOf(key, span.from, span.to)
    } catch (error) {
      throw new TypeError(`Store '${name}': ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
    for await (const rows of this.#inTurn(span.reverse ? spans.toReversed() : spans, span.reverse)) {
      for (const entry of decodeRows(
        rows.filter(([row]) => isOf(row)),
        codec,
      ))
        if (more(entry)) yield entry
    }
  }

  /** Entries of all keys whose time lies within the range. */
  pages(range: TimeRange = {}, pageSize = DEFAULT_PAGE_SIZE): AsyncGenerator<Page> {
    checkPageSize(this.#options.name, pageSize)
    return this.#pages(this.#span(range), pageSize)
  }

  async *#pages({ from, to, reverse }: Span, pageSize: number): AsyncGenerator<Page> {
    if (from >= to) return
    const { windows, codec, scan } = this.#options
    for await (const rows of scan({ ...windows.spanOf(from, to), reverse }, pageSize)) {
      const within = rows.filter(([row]) => {
        const time = windows.timeOfRow(row)
        return time >= from && time < to
      })
      if (within.length > 0) yield decodeRows(within, codec)
    }
  }

  /** What of a range is still kept. */
  #span({ from = 0, to = Infinity, reverse = false }: TimeRange): Span {
    const { now, time } = this.#options
    const streamTime = now()
    return { from: Math.max(Math.ceil(from), time.firstKept(streamTime)), to: Math.min(Math.ceil(to), streamTime + 1), reverse }
  }

  /** The rows of several spans one after the other, all as they are now. */
  async *#inTurn(spans: readonly ByteRange[], reverse: boolean): AsyncGenerator<readonly StoreRow[]> {
    const scans = spans.map((span) => this.#options.scan({ ...span, reverse }, DEFAULT_PAGE_SIZE)[Symbol.asyncIterator]())
    const firsts = scans.map((scan) => scan.next())
    // Those that nobody comes to wait for.
    for (const first of firsts) first.catch(() => undefined)
    try {
      for (const [i, scan] of scans.entries()) {
        for (let page = await (firsts[i] as (typeof firsts)[number]); page.done !== true; page = await scan.next()) yield page.value
      }
    } finally {
      for (const scan of scans) await scan.return?.()
    }
  }
}

/** Windows of one key, and of many. */
export function windowsOf(reads: WindowReads) {
  const fetch = (key: unknown, range?: TimeRange) => reads.entriesOf(key, range) as AsyncGenerator<StoreEntry<WindowKey<unknown>, unknown>>
  return { fetch, fetchBatch: (keys: readonly unknown[], range?: TimeRange) => entriesOfEach(keys, (key) => fetch(key, range)) }
}

/** Sessions of one key, and of many. */
export function sessionsOf(reads: WindowReads) {
  const findSessions = (key: unknown, { earliestEnd, latestStart = Infinity, reverse }: SessionRange = {}) =>
    reads.entriesOf(
      key,
      { from: earliestEnd, reverse },
      ([session]) => (session as SessionKey<unknown>).start <= latestStart,
    ) as AsyncGenerator<StoreEntry<SessionKey<unknown>, unknown>>
  return {
    findSessions,
    findSessionsBatch: (keys: readonly unknown[], range?: SessionRange) => entriesOfEach(keys, (key) => findSessions(key, range)),
  }
}

/** What `read` gives for each key, by position. */
async function entriesOfEach<Entry>(keys: readonly unknown[], read: (key: unknown) => AsyncIterable<Entry>): Promise<(readonly Entry[])[]> {
  const answers: (readonly Entry[])[] = []
  for (let from = 0; from < keys.length; from += CONCURRENT_KEYS) {
    answers.push(...(await Promise.all(keys.slice(from, from + CONCURRENT_KEYS).map((key) => gathered(read(key))))))
  }
  return answers
}

async function gathered<Entry>(entries: AsyncIterable<Entry>): Promise<readonly Entry[]> {
  const all: Entry[] = []
  for await (const entry of entries) all.push(entry)
  return all
}

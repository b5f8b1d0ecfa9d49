import { resolve } from 'node:path'
import {
  type AnyStoreDefinition,
  type BatchKeyValueStore,
  type BatchSessionStore,
  type BatchWindowStore,
  type ResolvedDefinition,
  type Serde,
  MillraceError,
} from '@millrace/core'
import { compareReached, localState, openLocalStore, type ReachedPositions } from '@millrace/runtime'
import { NotFoundError, RefusedError, UsageError } from '../command-line/errors.ts'
import { writtenValue } from '../records/serde-forms.ts'
import type { FoundEntry, StoreAnswer, StoreQuestion } from './store-question.ts'
import { type SnapshotOptions, StoreSnapshot } from './store-snapshot.ts'

type Defined = AnyStoreDefinition & { readonly key: Serde<unknown>; readonly value: Serde<unknown> }
type Pages = AsyncIterable<readonly (readonly [unknown, unknown])[]>

/** A page of a scan. */
const PAGE = 1_000

/**
 * Answers from the local folders of an application that is stopped, in which nothing is changed. Rejects with a {@link RefusedError} while a process has the
 * store open, and with the reason of `stop` when that is aborted, after what it has copied is taken away.
 */
export async function askLocalStores(definition: ResolvedDefinition, question: StoreQuestion, stop: AbortSignal): Promise<StoreAnswer> {
  const { stores } = definition.topology
  const store = stores.find(({ name }) => name === question.store) as Defined | undefined
  if (store === undefined) {
    const names = stores.map(({ name }) => `'${name}'`).join(', ')
    throw new UsageError(`The topology has no store '${question.store}'; it has ${names === '' ? 'none' : names}.`)
  }
  const folders = await foldersOf(definition, question.store)
  const entries: FoundEntry[] = []
  for (const candidates of folders) {
    const copying = { beside: resolve(definition.stateDir), stop }
    const folder = await newestOf(candidates, store, copying)
    await using snapshot = await StoreSnapshot.of(folder, copying)
    await using opened = await openLocalStore(store, snapshot.folder)
    for await (const page of pagesOf(opened.handle, store, question)) {
      stop.throwIfAborted()
      for (const [key, value] of page) entries.push({ key, value })
      if (entries.length > question.limit) return { store: question.store, entries: entries.slice(0, question.limit), more: true }
    }
  }
  return { store: question.store, entries, more: false }
}

/** The folders of each task: one that has moved from process to process may have left older ones. Rejects while a process has one of them open. */
async function foldersOf({ stateDir, applicationId }: ResolvedDefinition, store: string): Promise<readonly (readonly string[])[]> {
  const folders = new Map<string, string[]>()
  for (const { heldBy, stores } of await localState(stateDir, applicationId)) {
    for (const { task, folder } of stores.filter((one) => one.store === store)) {
      if (heldBy !== undefined) {
        throw new RefusedError(
          `Store '${store}' is open in process ${heldBy.pid} on ${heldBy.host}: ask that one, with --http, or stop it first.`,
        )
      }
      folders.set(task, [...(folders.get(task) ?? []), folder])
    }
  }
  if (folders.size === 0) {
    throw new NotFoundError(
      `There is no store '${store}' below ${resolve(stateDir, applicationId)}: it is kept in memory, on another machine, or --state-dir is another folder.`,
    )
  }
  return [...folders.values()]
}

/** The one that is furthest. Times of files say nothing: an old folder is written to when it is opened. */
async function newestOf(folders: readonly string[], store: Defined, copying: SnapshotOptions): Promise<string> {
  const [only = ''] = folders
  if (folders.length === 1) return only
  let newest: { readonly folder: string; readonly reached: ReachedPositions | undefined } = { folder: only, reached: undefined }
  for (const folder of folders) {
    const reached = await reachedIn(folder, store, copying)
    if (reached === undefined || (newest.reached !== undefined && compareReached(reached, newest.reached) <= 0)) continue
    newest = { folder, reached }
  }
  return newest.folder
}

/** Undefined for what holds nothing that could be read. */
async function reachedIn(folder: string, store: Defined, copying: SnapshotOptions): Promise<ReachedPositions | undefined> {
  await using snapshot = await StoreSnapshot.of(folder, copying)
  try {
    await using opened = await openLocalStore(store, snapshot.folder)
    return opened.reached
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'STORE_CORRUPT') return undefined
    throw error
  }
}

function pagesOf(handle: unknown, { shape, key: serde }: Defined, { key, from, to, prefix, reverse }: StoreQuestion): Pages {
  if (shape === 'window' || shape === 'session') {
    if (prefix !== undefined)
      throw new UsageError('A prefix is of keys, and the keys of this store are windows: use --from and --to, which are times.')
    const [first, last] = [from, to].map((text) => (text === undefined ? undefined : timeOf(text)))
    if (shape === 'window') {
      const windows = handle as BatchWindowStore<unknown, unknown>
      const range = { from: first, to: last, reverse }
      return key === undefined ? windows.fetchAllPages(range, PAGE) : onePage(windows.fetch(writtenValue(serde, key).value, range))
    }
    const sessions = handle as BatchSessionStore<unknown, unknown>
    const range = { earliestEnd: first, latestStart: last, reverse }
    if (key !== undefined) return onePage(sessions.findSessions(writtenValue(serde, key).value, range))
    return sessions.fetchAllPages({ from: first, to: last, reverse }, PAGE)
  }
  const entries = handle as BatchKeyValueStore<unknown, unknown>
  if (key !== undefined) return oneKey(entries, writtenValue(serde, key).value)
  if (prefix !== undefined) return entries.prefixPages(new TextEncoder().encode(prefix), PAGE)
  const bound = (text: string | undefined) => (text === undefined ? undefined : writtenValue(serde, text).value)
  return entries.rangePages({ from: bound(from), to: bound(to), reverse }, PAGE)
}

function timeOf(text: string): number {
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (!Number.isSafeInteger(ms)) throw new UsageError(`'${text}' is no time: use milliseconds since 1970, or an ISO date.`)
  return ms
}

async function* oneKey(entries: BatchKeyValueStore<unknown, unknown>, key: unknown): Pages {
  const [value] = await entries.getBatch([key])
  if (value !== undefined) yield [[key, value]]
}

async function* onePage(entries: AsyncIterable<readonly [unknown, unknown]>): Pages {
  for await (const entry of entries) yield [entry]
}

import {
  MillraceError,
  type ReadOnlyOf,
  type ReadOnlySessionStore,
  type ReadOnlyStore,
  type ReadOnlyWindowStore,
  type StoreDefinition,
} from '@millrace/core'
import type { Task } from '../task/task.ts'
import { entriesOver, type Parts, sessionsOver, windowsOver } from './query-parts.ts'

/** How state is read from outside. */
export interface QueryOptions {
  /**
   * What is answered while some of the store is being restored: `serve`, what has been restored so far; `refuse`, a rejection with `STORE_RESTORING`,
   * which passes. Default: `serve`.
   */
  readonly whileRestoring?: 'serve' | 'refuse' | undefined
}

export interface QueriedTasks {
  /** Those that are there now. */
  readonly tasks: () => readonly Task[]
  /** Ids of those that have the store and are, or will be, in this process; undefined while nobody knows. */
  readonly expected: () => readonly string[] | undefined
}

/** Committed state of one store over all tasks that run in this process. Keys of partitions that are elsewhere are not found. */
export function queryStore<S>(
  { name, shape }: StoreDefinition<S>,
  { tasks, expected }: QueriedTasks,
  { whileRestoring = 'serve' }: QueryOptions,
): ReadOnlyOf<S> {
  checkWhileRestoring(whileRestoring)
  const parts = (): unknown[] => {
    const having = tasks().filter(({ stores }) => stores.names.includes(name))
    if (whileRestoring === 'refuse') {
      const complete = new Set(having.filter(({ state }) => state === 'running' || state === 'finishing').map(({ id }) => id))
      const incomplete = expected()?.filter((id) => !complete.has(id))
      if (incomplete === undefined || incomplete.length > 0) throw restoring(name, incomplete)
    }
    return having.flatMap(({ stores }) =>
      stores.all.filter(({ definition }) => definition.name === name).map(({ store }) => store.committed),
    )
  }
  return storeOver({ name, shape }, parts) as ReadOnlyOf<S>
}

/** Throws a `TypeError` for what it can't be. */
export function checkWhileRestoring(whileRestoring: unknown): void {
  if (whileRestoring !== 'serve' && whileRestoring !== 'refuse')
    throw new TypeError(`whileRestoring is ${JSON.stringify(whileRestoring)}; use 'serve' or 'refuse'.`)
}

/** One store over its parts, each of which is what its shape says. */
export function storeOver({ name, shape }: Pick<StoreDefinition, 'name' | 'shape'>, parts: Parts<unknown>): unknown {
  if (shape === 'window') return windowsOver(name, parts as Parts<ReadOnlyWindowStore<unknown, unknown>>)
  if (shape === 'session') return sessionsOver(name, parts as Parts<ReadOnlySessionStore<unknown, unknown>>)
  return entriesOver(name, parts as Parts<ReadOnlyStore<unknown, unknown>>)
}

/** Not all of a store can be asked now: of which tasks, as far as that is known. */
export function restoring(name: string, tasks: readonly string[] | undefined): MillraceError {
  const where = tasks === undefined ? 'not assigned to this process yet' : `being restored in task ${tasks.join(', ')}`
  return new MillraceError('STORE_RESTORING', `Store '${name}' is ${where}: ask again later.`, {
    stage: 'store',
    retryable: true,
    task: tasks?.[0],
  })
}

export function unknownStore(name: string, known: readonly string[]): MillraceError {
  return new MillraceError(
    'STORE_UNKNOWN',
    `The topology has no store '${name}'; it has ${known.length === 0 ? 'none' : known.map((one) => `'${one}'`).join(', ')}.`,
    {
      stage: 'store',
    },
  )
}

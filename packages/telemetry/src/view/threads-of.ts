import type { AppHealth } from '@millrace/core'

/** Which worker thread has each task; empty where the application has none. */
export function threadsOf({ threads = [] }: Pick<AppHealth, 'threads'>): ReadonlyMap<string, number> {
  return new Map(threads.flatMap(({ thread, tasks }) => tasks.map((task) => [task, thread] as const)))
}

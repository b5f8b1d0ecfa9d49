import type { OpenedStore } from './open-task-store.ts'

/** Throws unless the store holds so many entries. */
export async function checkCount({ handle }: OpenedStore, wanted: number): Promise<void> {
  let found = 0
  for await (const page of handle.rangePages({})) found += page.length
  if (found !== wanted) throw new Error(`The store holds ${found} entries instead of ${wanted}.`)
}

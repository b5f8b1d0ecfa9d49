import type { TaskStore } from '../../../../src/store/layers/task-store.ts'
import type { SealedChanges } from '../../../../src/store/layers/store-layers.ts'

/** Runs `work` as a pass that ends well. */
export async function pass(store: TaskStore, work: () => void | Promise<void>): Promise<void> {
  store.begin()
  await work()
  store.succeed()
}

/** A commit that ends well. */
export async function commit(store: TaskStore): Promise<SealedChanges | undefined> {
  const sealed = store.seal()
  await store.persist(Uint8Array.of(1))
  return sealed
}

export async function entriesOf<T>(iteration: AsyncIterable<T>): Promise<T[]> {
  const entries: T[] = []
  for await (const entry of iteration) entries.push(entry)
  return entries
}

/**
 * The engine of Millrace: runs a topology on any transport.
 *
 * ```ts with=definition
 * const app = await start(definition)
 * await app.run()
 * ```
 *
 * @packageDocumentation
 */
export type { App, AppInspector } from './app/app-api.ts'
export { applicationTopics, type ApplicationTopics } from './app/application-topics.ts'
export type { LockHolder } from './app/lock-file.ts'
export { deleteLocalState, type LocalSlot, localState, type LocalStore } from './app/local-state.ts'
export type { QueryOptions } from './app/query.ts'
export { start } from './app/start.ts'
export { ProcessingError } from './process/processing-error.ts'
export { openLocalStore, type OpenedLocalStore } from './store/open-local-store.ts'
export { compareReached, type ReachedPositions } from './store/store-positions.ts'
// For benchmarks and tests of stores; an application's stores are opened for it.
export { openTaskStore, type TaskStore, type TaskStoreOptions } from './store/layers/task-store.ts'

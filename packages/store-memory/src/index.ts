/**
 * Ordered state stores in memory.
 *
 * ```ts with=names
 * const counts = inMemory.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
 * ```
 *
 * @packageDocumentation
 */
export { inMemory, type InMemorySessionStoreOptions, type InMemoryStoreOptions, type InMemoryWindowStoreOptions } from './in-memory.ts'
export { MemoryStoreBackend } from './memory-store-backend.ts'

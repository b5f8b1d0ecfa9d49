/**
 * The embedded log, and stores in memory: no broker, no disk.
 *
 * @packageDocumentation
 */
export { memory, type MemoryFaults, type MemoryOperation, type MemoryOptions, type MemoryTransport } from '@millrace/transport-memory'
export { inMemory } from '@millrace/store-memory'

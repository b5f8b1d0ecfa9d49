export { memory, type MemoryTransport } from './memory.ts'
export type { Durability, MemoryOptions } from './memory-options.ts'
export type { MemoryFaults, MemoryOperation } from './faults.ts'

import type { Transport } from '@millrace/core'
import { memory, type MemoryOperation } from '@millrace/transport-memory'

export interface LogOptions {
  readonly folder: string
  /** Topics of which nothing that is sent is ever answered. */
  readonly stuck?: readonly string[]
}

/** An embedded log that can be opened in another process, while nobody has it open here. */
export function logInFolder({ folder, stuck = [] }: LogOptions): Transport {
  const faults = {
    before: (operation: MemoryOperation) =>
      operation.type === 'send' && stuck.includes(operation.topic) ? new Promise<void>(() => undefined) : undefined,
  }
  const recipe = { module: import.meta.url, name: 'logInFolder', options: { folder, stuck } }
  return Object.assign(memory({ folder, faults }), { recipe })
}

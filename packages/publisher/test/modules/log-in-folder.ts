import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Transport } from '@millrace/core'
import { memory, type MemoryOperation } from '@millrace/transport-memory'

export interface LogOptions {
  readonly folder: string
  /** Topics of which nothing that is sent is ever answered. */
  readonly stuck?: readonly string[]
  /** Notes the process of each send, in the file `senders` of the folder. Default: false. */
  readonly noteSenders?: boolean
}

/** An embedded log that can be opened in another process, while nobody has it open here. */
export function logInFolder({ folder, stuck = [], noteSenders = false }: LogOptions): Transport {
  const faults = {
    before(operation: MemoryOperation) {
      if (operation.type !== 'send') return undefined
      if (noteSenders) appendFileSync(join(folder, 'senders'), `${process.pid}\n`)
      return stuck.includes(operation.topic) ? new Promise<void>(() => undefined) : undefined
    },
  }
  const recipe = { module: import.meta.url, name: 'logInFolder', options: { folder, stuck, noteSenders } }
  return Object.assign(memory({ folder, faults }), { recipe })
}

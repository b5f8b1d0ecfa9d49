import type { Transport } from '@millrace/core'
import { memory } from '@millrace/transport-memory'

export interface LogOptions {
  readonly folder: string
  /** Nothing that is sent is ever answered. */
  readonly stuck?: boolean
}

/** An embedded log that can be opened in another process, while nobody has it open here. */
export function logInFolder(options: LogOptions): Transport {
  const faults = {
    before: (operation: { readonly type: string }) => (operation.type === 'send' ? new Promise<void>(() => undefined) : undefined),
  }
  const transport = memory({ folder: options.folder, ...(options.stuck === true && { faults }) })
  return Object.assign(transport, { recipe: { module: import.meta.url, name: 'logInFolder', options } })
}

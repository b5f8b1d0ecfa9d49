import { advertising, type RecordWriterOptions } from '@millrace/core'
import type { RunnableDefinition } from './resolve-definition.ts'
import type { StateSlot } from './state-slot.ts'

/**
 * How a process opens its writer; `purpose`: another one than that of its passes. Under exactly-once it is transactional, by an id that the process
 * keeps over restarts: the next writer of that id ends what one before has left open.
 */
export function writerOptions(
  { applicationId, processingGuarantee, transactionTimeoutMs }: RunnableDefinition,
  { processId }: StateSlot,
  purpose?: string,
): RecordWriterOptions {
  const suffix = purpose === undefined ? '' : `-${purpose}`
  const clientId = `${applicationId}${suffix}`
  if (processingGuarantee !== 'exactly-once') return { clientId }
  return { clientId, transactionalId: `${applicationId}-${processId}${suffix}`, transactionTimeoutMs }
}

/** What a process calls itself in its group: with the address at which it can be asked, if it has one. */
export function clientIdOf({ applicationId, advertisedAddress }: RunnableDefinition, { processId }: Pick<StateSlot, 'processId'>): string {
  const address = typeof advertisedAddress === 'function' ? advertisedAddress() : advertisedAddress
  return advertising(`${applicationId}-${processId}`, address)
}

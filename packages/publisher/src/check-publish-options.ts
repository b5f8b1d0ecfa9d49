import { describeValue } from '@millrace/core'
import type { PublishOptions } from './events.ts'

/** Throws a `TypeError` for what an event can't be published with. The key is looked at where bytes are made of it. */
export function checkPublishOptions({ id, timestamp, headers, priority, critical }: PublishOptions): void {
  if (id !== undefined && (typeof id !== 'string' || id === '')) throw new TypeError(`its id is ${describeValue(id)}; use a text.`)
  if (timestamp !== undefined && !Number.isSafeInteger(timestamp))
    throw new TypeError(`its timestamp is ${describeValue(timestamp)}; use milliseconds since 1970.`)
  for (const [name, value] of Object.entries(headers ?? {}))
    if (typeof value !== 'string' && !(value instanceof Uint8Array))
      throw new TypeError(`its header '${name}' is ${describeValue(value)}; use a text or bytes.`)
  if (priority !== undefined && priority !== 'normal' && priority !== 'high')
    throw new TypeError(`its priority is ${describeValue(priority)}; use 'normal' or 'high'.`)
  if (critical !== undefined && typeof critical !== 'boolean')
    throw new TypeError(`critical is ${describeValue(critical)}; use true or false.`)
}

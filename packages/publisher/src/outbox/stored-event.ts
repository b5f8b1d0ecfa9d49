import { deserialize, serialize } from 'node:v8'
import { asError, type Header } from '@millrace/core'
import type { PendingEvent } from '../pending-event.ts'

/** What is kept of an event. */
type Kept = Pick<PendingEvent, 'id' | 'type' | 'topic' | 'key' | 'lane' | 'value' | 'headers' | 'timestamp' | 'high' | 'critical' | 'bytes'>

/** An event that was found. */
export type FoundEvent = Kept & { readonly stored: number }

/** Of a number that ascends, so that the order of keys is that of events. */
export function keyOf(stored: number): Uint8Array {
  const key = Buffer.alloc(8)
  key.writeBigUInt64BE(BigInt(stored))
  return key
}

export function bytesOfEvent({ id, type, topic, key, lane, value, headers, timestamp, high, critical, bytes }: Kept): Uint8Array {
  return serialize({ id, type, topic, key, lane, value, headers, timestamp, high, critical, bytes } satisfies Kept)
}

/** Throws for what an outbox has not written so. */
export function foundEvent(key: Uint8Array, bytes: Uint8Array): FoundEvent {
  try {
    return eventOfBytes(key, bytes)
  } catch (error) {
    const which = `its entry 0x${Buffer.from(key).toString('hex')} (${bytes.byteLength} bytes)`
    const todo =
      'Something else has written it, or the disk has: move the folder away to begin with an empty outbox, and keep it for what is in it'
    throw new Error(`${which} is no event: ${asError(error).message}. ${todo}.`, { cause: error })
  }
}

function eventOfBytes(key: Uint8Array, bytes: Uint8Array): FoundEvent {
  const kept = deserialize(bytes) as Kept
  // What lies in a buffer of the store's is copied.
  const headers = kept.headers.map(({ key: name, value }): Header => ({ key: name, value: value === null ? null : Buffer.from(value) }))
  const stored = Number(Buffer.from(key).readBigUInt64BE())
  return { ...kept, key: kept.key === null ? null : copied(kept.key), value: copied(kept.value), headers, stored }
}

function copied(of: string | Uint8Array): string | Uint8Array {
  return typeof of === 'string' ? of : Buffer.from(of)
}

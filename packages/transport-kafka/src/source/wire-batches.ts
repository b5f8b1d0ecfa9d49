import { type Headers, viewColumn, type WireBatch } from '@millrace/core'
import type { RawMessage } from '../client/raw-client.ts'

/**
 * One wire batch for each partition among `messages`, which keep their order. Keys and values are the client's own buffers: it made a copy of
 * each already, so nothing has to be released.
 */
export function wireBatches(
  messages: readonly RawMessage[],
  endOffset: (topic: string, partition: number) => number | undefined,
): WireBatch[] {
  const groups = new Map<string, RawMessage[]>()
  let last: RawMessage | undefined
  let group: RawMessage[] = []
  for (const message of messages) {
    // Messages of a partition come in runs: most need no look-up.
    if (last === undefined || message.partition !== last.partition || message.topic !== last.topic) {
      const key = `${message.topic} ${message.partition}`
      const known = groups.get(key)
      group = known ?? []
      if (known === undefined) groups.set(key, group)
      last = message
    }
    group.push(message)
  }
  return Array.from(groups.values(), (one) => toBatch(one, endOffset))
}

function toBatch(messages: readonly RawMessage[], endOffset: (topic: string, partition: number) => number | undefined): WireBatch {
  const count = messages.length
  const { topic, partition } = messages[0] as RawMessage
  const keys = new Array<Uint8Array | null>(count)
  const values = new Array<Uint8Array | null>(count)
  const timestamps = new Float64Array(count)
  const offsets = new Float64Array(count)
  let headers: (Headers | undefined)[] | undefined
  for (let i = 0; i < count; i++) {
    const message = messages[i] as RawMessage
    keys[i] = message.key
    values[i] = message.value
    timestamps[i] = message.timestamp
    offsets[i] = message.offset
    if (message.headers !== undefined && message.headers.length > 0)
      (headers ??= new Array<Headers | undefined>(count))[i] = toHeaders(message.headers)
  }
  return {
    topic,
    partition,
    length: count,
    keys: viewColumn(keys),
    values: viewColumn(values),
    timestamps,
    offsets,
    headers,
    endOffset: endOffset(topic, partition),
    release() {},
  }
}

/** The client gives each header as an object with one property, and null values as empty ones. */
function toHeaders(raw: NonNullable<RawMessage['headers']>): Headers {
  return raw.map((header) => {
    const [entry] = Object.entries(header)
    return { key: entry?.[0] ?? '', value: entry?.[1] ?? null }
  })
}

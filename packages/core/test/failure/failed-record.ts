import type { FailedRecord, Headers } from '@millrace/core'

const bytes = (text: string) => new TextEncoder().encode(text)

/** A record that a node failed with. */
export function failedRecord(changes: Partial<FailedRecord> = {}): FailedRecord {
  return {
    stage: 'process',
    node: 'split',
    topic: 'lines',
    partition: 3,
    offset: 2 ** 40 + 5,
    timestamp: 1_700_000_000_123,
    key: bytes('key'),
    value: bytes('value'),
    headers: [],
    error: new Error('too long'),
    attempts: 4,
    batchSize: 100,
    index: 17,
    ...changes,
  }
}

/** Headers as name and text. */
export function asText(headers: Headers): [string, string | null][] {
  return headers.map(({ key, value }) => [key, value === null ? null : new TextDecoder('utf-8', { fatal: true }).decode(value)])
}

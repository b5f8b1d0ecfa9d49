/** What one process of the comparison of clients is told. */
export interface ClientConfig {
  readonly client: 'packed' | 'confluent'
  readonly work: 'read' | 'write'
  readonly brokers: string
  readonly topic: string
  readonly partitions: number
  readonly records: number
}

export const KEYS = 100_000
export const VALUE_BYTES = 100
/** Of records that are written at a time. */
export const CHUNK = 10_000

/** The key of record `i`: neighbours differ. */
export function keyOf(i: number): string {
  return `key-${(i * 7_919) % KEYS}`
}

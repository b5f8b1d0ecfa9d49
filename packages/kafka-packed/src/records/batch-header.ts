/** Where the fields of a record batch (format v2) are, in bytes from its beginning. */
export const BATCH = {
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  /** What the checksum is of begins here. */
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
  /** What is compressed begins here. */
  records: 61,
} as const

/** What `length` counts begins behind it. */
export const LENGTH_ENDS = BATCH.length + 4

export const LOG_APPEND_TIME = 0x08
export const TRANSACTIONAL = 0x10
export const CONTROL = 0x20

/** A length, three deltas, a key's, a value's and the headers' length, and the attributes: no record is shorter. */
export const LEAST_RECORD_BYTES = 7

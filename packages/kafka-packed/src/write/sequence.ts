const COUNT = 2 ** 31

/** The sequence number `records` behind `sequence`: behind 2^31 - 1 comes 0. */
export function sequenceAfter(sequence: number, records: number): number {
  return (sequence + records) % COUNT
}

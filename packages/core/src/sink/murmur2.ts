const SEED = 0x9747b28c
const MULTIPLIER = 0x5bd1e995

/**
 * Kafka's 32-bit murmur2 of the bytes from `start` (inclusive) to `end` (exclusive), signed as Java's. Takes a range, so that a key inside
 * a packed column needs no view of its own.
 */
export function murmur2(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let hash = SEED ^ (end - start)
  let at = start
  for (const lastBlock = end - 4; at <= lastBlock; at += 4) {
    let block =
      (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)
    block = Math.imul(block, MULTIPLIER)
    block ^= block >>> 24
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(block, MULTIPLIER)
  }
  const rest = end - at
  if (rest > 0) {
    if (rest === 3) hash ^= (bytes[at + 2] as number) << 16
    if (rest >= 2) hash ^= (bytes[at + 1] as number) << 8
    hash = Math.imul(hash ^ (bytes[at] as number), MULTIPLIER)
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER)
  return (hash ^ (hash >>> 15)) | 0
}

/** The partition of a {@link murmur2} hash among `partitions`: Kafka drops the sign bit instead of taking the absolute value. */
export function partitionForHash(hash: number, partitions: number): number {
  return (hash & 0x7fffffff) % partitions
}

/** The partition Kafka's default partitioner writes a record of this key to, so that other clients' records of the key are found there too. */
export function partitionForKey(key: Uint8Array, partitions: number): number {
  return partitionForHash(murmur2(key), partitions)
}

/** The order of keys: by unsigned bytes, shorter first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** The least key after all keys that begin with `prefix`; undefined if there is none (the prefix is empty or all 0xff). */
export function afterPrefix(prefix: Uint8Array): Uint8Array | undefined {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length--
  if (length === 0) return undefined
  // Not prefix.slice(): of a Node Buffer it would be a view.
  const after = new Uint8Array(prefix.subarray(0, length))
  after[length - 1] = (after[length - 1] as number) + 1
  return after
}

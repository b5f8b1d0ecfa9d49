/** Ten characters each, all different, in an order that is not that of their bytes. */
export function keysUpTo(count: number): string[] {
  const keys = new Array<string>(count)
  // 7,919 is a prime, so that all numbers come once.
  for (let i = 0; i < count; i++) keys[i] = `key-${String((i * 7_919) % count).padStart(6, '0')}`
  return keys
}

/** ASCII text of `length` characters. */
export function textOf(length: number, seed: number): string {
  let text = ''
  for (let i = 0; i < length; i++) text += String.fromCharCode(97 + ((i * 7 + seed * 13) % 26))
  return text
}

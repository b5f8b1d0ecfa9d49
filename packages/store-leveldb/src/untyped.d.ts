declare module 'crc-32/crc32c.js' {
  const crc32c: { readonly buf: (data: Uint8Array, seed?: number) => number }
  export default crc32c
}

declare module 'snappyjs' {
  /** Throws for what is no Snappy stream, or would become longer than `maxLength` bytes. */
  export function uncompress(compressed: Uint8Array, maxLength?: number): Uint8Array
}

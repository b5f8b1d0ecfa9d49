/** Bytes of a time. */
export const TIME_BYTES = 8
const HALF = 0x1_0000_0000

/** Milliseconds since the epoch, or a number of a segment, as Java writes a long: so their bytes ascend as they do. */
export function writeTime(bytes: Uint8Array, at: number, time: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, TIME_BYTES)
  view.setInt32(0, Math.floor(time / HALF))
  view.setUint32(4, time % HALF)
}

export function readTime(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, TIME_BYTES)
  return view.getInt32(0) * HALF + view.getUint32(4)
}

/** Throws a `TypeError` for what is no time: `what` names it. */
export function checkTime(what: string, time: unknown): void {
  if (Number.isSafeInteger(time) && (time as number) >= 0) return
  throw new TypeError(`${what} is ${String(time)}; use a whole number of milliseconds since the epoch, at least 0.`)
}

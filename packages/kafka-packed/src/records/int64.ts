const TWO_32 = 4_294_967_296

/** A signed 64-bit integer, big-endian. Beyond 2^53 it loses its lowest bits, where Kafka's offsets, times and producer ids never are. */
export function readInt64(view: DataView, at: number): number {
  return view.getInt32(at) * TWO_32 + view.getUint32(at + 4)
}

export function writeInt64(view: DataView, at: number, value: number): void {
  view.setInt32(at, Math.floor(value / TWO_32))
  view.setUint32(at + 4, value % TWO_32)
}

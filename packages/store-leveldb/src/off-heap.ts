import { bytesAt, type BytesColumn } from '@millrace/core'

/** V8 keeps arrays of up to so many bytes among its own objects, and moves them out for good when native code asks where they are. */
const MOST_ON_HEAP = 64

/**
 * One place outside V8's heap, at which native code that copies at once is shown short bytes: moving each array there by itself costs twice the whole call,
 * and the collector has to look after it from then on.
 */
export class Showcase {
  /** By length. */
  readonly #views: readonly Uint8Array[]

  constructor() {
    const place = new ArrayBuffer(MOST_ON_HEAP)
    this.#views = Array.from({ length: MOST_ON_HEAP + 1 }, (_, length) => new Uint8Array(place, 0, length))
  }

  /** The same bytes, until the next are shown. */
  show(bytes: Uint8Array): Uint8Array {
    const view = this.#views[bytes.length]
    if (view === undefined) return bytes
    for (let i = 0; i < view.length; i++) view[i] = bytes[i] as number
    return view
  }

  /** The same of a column's bytes at `row`; null where they are. */
  showAt(column: BytesColumn, row: number): Uint8Array | null {
    if (column.form === 'views') {
      const bytes = column.views[row] ?? null
      return bytes && this.show(bytes)
    }
    const start = column.starts[row] as number
    const end = column.ends[row] as number
    const view = this.#views[end - start]
    if (view === undefined) return bytesAt(column, row)
    const { bytes } = column
    for (let i = 0; i < view.length; i++) view[i] = bytes[start + i] as number
    return view
  }
}

/** Copies of those that may be among V8's objects, all in one place elsewhere; the others as they are. For native code that looks at all of them together. */
export function offHeap(all: readonly Uint8Array[]): readonly Uint8Array[] {
  let total = 0
  for (const one of all) if (mayBeOnHeap(one)) total += one.length
  if (total === 0) return all
  const place = new ArrayBuffer(total)
  const bytes = new Uint8Array(place)
  let at = 0
  return all.map((one) => {
    if (!mayBeOnHeap(one)) return one
    const { length } = one
    const from = at
    for (let i = 0; i < length; i++) bytes[at++] = one[i] as number
    return new Uint8Array(place, from, length)
  })
}

/** What begins behind the beginning of a buffer is a view of one, which is elsewhere. */
function mayBeOnHeap({ length, byteOffset }: Uint8Array): boolean {
  return length <= MOST_ON_HEAP && byteOffset === 0
}

import { createHash } from 'node:crypto'
import type { Entry } from './entry.ts'

/** Longer than that, places are told by a hash: tokens go in an address. */
const MOST_TEXT = 64

/**
 * The token of some rows of a batch that was cut with `size` rows: the same whenever just these are inserted together, and never that of others. A server drops
 * what comes under a token that it has seen.
 */
export function partToken(token: string, part: readonly Entry[], size: number): string {
  if (part.length === size) return token
  const places = rangesOf(part)
  return `${token}/${places.length <= MOST_TEXT ? places : createHash('sha256').update(places).digest('base64url')}`
}

/** Their places, as in `0-4.6-99`. */
function rangesOf(part: readonly Entry[]): string {
  const ranges: string[] = []
  for (let from = 0, i = 0; i < part.length; i++) {
    const [first, last, next] = [part[from], part[i], part[i + 1]]
    if (first === undefined || last === undefined || next?.place === last.place + 1) continue
    ranges.push(first === last ? String(first.place) : `${first.place}-${last.place}`)
    from = i + 1
  }
  return ranges.join('.')
}

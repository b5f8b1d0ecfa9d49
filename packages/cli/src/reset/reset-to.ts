import { UsageError } from '../command-line/errors.ts'

/** Where offsets are to be set. */
export type ResetTo =
  | { readonly kind: 'earliest' | 'latest' }
  /** The first record at or after this time, in milliseconds since 1970. */
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'offset'; readonly offset: number }
  /** So many records on, or back if negative, from what is committed. */
  | { readonly kind: 'shift'; readonly by: number }
  /** By `topic partition`. */
  | { readonly kind: 'given'; readonly offsets: ReadonlyMap<string, number> }

/** As the command line says it. */
export interface ResetToOptions {
  readonly toEarliest?: boolean | undefined
  readonly toLatest?: boolean | undefined
  readonly toDatetime?: number | undefined
  readonly byDuration?: number | undefined
  readonly toOffset?: number | undefined
  readonly shiftBy?: number | undefined
  /** The text of the file. */
  readonly fromFile?: string | undefined
}

/** The one that was chosen; `earliest` without a choice. Throws a {@link UsageError} for two. */
export function resetTo(options: ResetToOptions, now: number): ResetTo {
  const { toEarliest, toLatest, toDatetime, byDuration, toOffset, shiftBy, fromFile } = options
  const chosen: ResetTo[] = []
  if (toEarliest === true) chosen.push({ kind: 'earliest' })
  if (toLatest === true) chosen.push({ kind: 'latest' })
  if (toDatetime !== undefined) chosen.push({ kind: 'time', ms: toDatetime })
  if (byDuration !== undefined) chosen.push({ kind: 'time', ms: now - byDuration })
  if (toOffset !== undefined) chosen.push({ kind: 'offset', offset: toOffset })
  if (shiftBy !== undefined) chosen.push({ kind: 'shift', by: shiftBy })
  if (fromFile !== undefined) chosen.push({ kind: 'given', offsets: offsetsIn(fromFile) })
  if (chosen.length > 1) {
    throw new UsageError('Choose one of --to-earliest, --to-latest, --to-datetime, --by-duration, --to-offset, --shift-by and --from-file.')
  }
  return chosen[0] ?? { kind: 'earliest' }
}

/** Lines of `topic,partition,offset`, as Kafka's tools write them. */
function offsetsIn(text: string): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>()
  text.split(/\r?\n/).forEach((line, i) => {
    if (line.trim() === '') return
    const match = /^\s*"?([a-zA-Z0-9._-]+)"?\s*,\s*(\d+)\s*,\s*(\d+)\s*$/.exec(line)
    if (match === null) throw new UsageError(`Line ${i + 1} of the file of offsets is not topic,partition,offset: '${line.trim()}'.`)
    const key = `${match[1]} ${Number(match[2])}`
    if (offsets.has(key)) throw new UsageError(`Line ${i + 1} of the file of offsets names a partition again: '${line.trim()}'.`)
    offsets.set(key, Number(match[3]))
  })
  return offsets
}

const DAY_MS = 86_400_000
const PARTS = [DAY_MS, 3_600_000, 60_000, 1_000]

/** A duration as ISO 8601 writes it, from days to seconds, in milliseconds; undefined for what is none. */
export function durationMs(text: string): number | undefined {
  const match = /^P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(text)
  if (match === null || text === 'P') return undefined
  return match.slice(1).reduce((sum, part, i) => sum + Math.round(Number(part ?? 0) * (PARTS[i] ?? 0)), 0)
}

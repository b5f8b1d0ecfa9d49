import { InvalidArgumentError } from 'commander'

/** Parses a whole number of at least `min`, for commander. */
export function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value) || value < min) {
      throw new InvalidArgumentError(`Use a whole number${min === Number.MIN_SAFE_INTEGER ? '' : `, at least ${min}`}.`)
    }
    return value
  }
}

/** Parses a number above 0, for commander. */
export function positiveNumber(text: string): number {
  const value = Number(text)
  if (!(value > 0) || value === Infinity) throw new InvalidArgumentError('Use a number above 0.')
  return value
}

/** Parses names with commas between them, for commander; may be given several times. */
export function nameList(text: string, before: readonly string[] = []): readonly string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.includes('')) throw new InvalidArgumentError('Use names with commas between them.')
  return [...before, ...names]
}

/** Parses a moment, for commander: as ISO 8601 writes it, local time where it names no zone, also of a day alone, or milliseconds since 1970. */
export function moment(text: string): number {
  const ms = /^\d{11,}$/.test(text) ? Number(text) : /^\d{4}-\d{2}(-\d{2}|$)/.test(text) ? Date.parse(localDay(text)) : Number.NaN
  if (Number.isNaN(ms)) throw new InvalidArgumentError("Use a date and time such as '2026-03-01T12:00:00Z', or milliseconds since 1970.")
  return ms
}

/** A day alone would be one of UTC, unlike a day with a time. */
function localDay(text: string): string {
  if (/^\d{4}-\d{2}$/.test(text)) return `${text}-01T00:00`
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00` : text
}

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const TWO_DIGITS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'))
const THREE_DIGITS = Array.from({ length: 1_000 }, (_, number) => String(number).padStart(3, '0'))

/** The day of the last date, and its text up to where the time begins: most rows of a batch are of one day, and `toISOString` takes as long as all else of a row. */
let lastDay = Number.NaN
let lastText = ''

/** To the millisecond, in UTC. Throws for a date that is none. */
export function dateText(date: Date): string {
  const ms = date.getTime()
  if (Number.isNaN(ms)) throw new Error('the date is invalid')
  const day = Math.floor(ms / DAY_MS)
  if (day !== lastDay) {
    const text = date.toISOString()
    if (text[0] === '+' || text[0] === '-' || text.startsWith('0000')) return unusualText(date, text)
    lastDay = day
    lastText = text.slice(0, text.indexOf('T') + 1)
  }
  return lastText + timeText(ms - day * DAY_MS)
}

function timeText(ofDay: number): string {
  const hours = TWO_DIGITS[Math.floor(ofDay / HOUR_MS)]
  const minutes = TWO_DIGITS[Math.floor(ofDay / MINUTE_MS) % 60]
  const seconds = TWO_DIGITS[Math.floor(ofDay / 1_000) % 60]
  return `${hours}:${minutes}:${seconds}.${THREE_DIGITS[ofDay % 1_000]}Z`
}

/** Years of more than four digits, and those before the first. */
function unusualText(date: Date, text: string): string {
  const year = date.getUTCFullYear()
  const rest = text.slice(text.indexOf('-', 1))
  return year > 0 ? `${year}${rest}` : `${String(1 - year).padStart(4, '0')}${rest} BC`
}

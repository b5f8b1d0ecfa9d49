const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

export function count(value: number | string | undefined): string {
  return typeof value === 'number' ? whole.format(value) : (value ?? '–')
}

export function rate(value: number | undefined): string {
  return value === undefined ? '–' : `${short.format(value)}/s`
}

export function bytes(value: number): string {
  return value < 1_024 ? `${value} B` : value < 1_048_576 ? `${(value / 1_024).toFixed(1)} KiB` : `${(value / 1_048_576).toFixed(1)} MiB`
}

/** Of another day with its date: what is told may be of last week. */
export function time(at: number, now: number = Date.now()): string {
  const [then, today] = [new Date(at), new Date(now)]
  const clock = then.toLocaleTimeString('en-GB')
  if (then.toDateString() === today.toDateString()) return clock
  return `${then.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })} ${clock}`
}

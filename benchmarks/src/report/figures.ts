/** Three digits that count. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '-'
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return value.toLocaleString('en', { minimumFractionDigits: Math.min(digits, 4), maximumFractionDigits: Math.min(digits, 4) })
}

/** How something compares with the baseline, in words, because a bare ratio is read both ways. */
export function against(timeRatio: number): string {
  return timeRatio <= 1 ? `${figure(1 / timeRatio)}x faster` : `${figure(timeRatio)}x slower`
}

/** What Millrace promises of how it compares, and what became of it. */
export interface BoundResult {
  readonly says: string
  readonly reached: boolean
  readonly measured: string
}

/** Two digits behind the point, or what large numbers need. */
export function ratio(value: number): string {
  return value >= 10 ? value.toFixed(0) : value.toFixed(2)
}

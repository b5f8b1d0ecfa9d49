/** How a count ended. */
export interface Result {
  /** Lines whose words have been found: of the text, or all in the input topic so far. */
  readonly lines: number
  /** Last count of every word. */
  readonly counts: ReadonlyMap<string, number>
  /** What this run did. */
  readonly run: {
    readonly records: number
    readonly batches: number
    readonly seconds: number
  }
}

/** The sum of all counts. */
export function wordsOf({ counts }: Pick<Result, 'counts'>): number {
  let words = 0
  for (const count of counts.values()) words += count
  return words
}

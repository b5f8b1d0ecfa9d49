import { type Result, wordsOf } from './result.ts'

/** One JSON object on one line. */
export function resultJson(result: Result): string {
  const { lines, counts, run } = result
  const { batches, seconds } = run
  return `${JSON.stringify({ lines, words: wordsOf(result), batches, seconds, counts: Object.fromEntries(counts) })}\n`
}

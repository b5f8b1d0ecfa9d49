import { SingleBar } from 'cli-progress'
import type { Tally } from './tally.ts'

const UPDATE_MS = 100

export interface ProgressOptions {
  readonly tally: Tally
  /** Bytes of the text; 0 where that is not known. */
  readonly totalBytes: number
}

/** Shows on standard error how far the count is, if that is a terminal. */
export function showProgress({ tally, totalBytes }: ProgressOptions): Disposable {
  if (!process.stderr.isTTY) return { [Symbol.dispose]: () => undefined }
  const bar = new SingleBar({
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    linewrap: null,
    format: totalBytes > 0 ? '{bar} {percentage} % | {lines} lines | {words} words' : '{lines} lines | {words} words',
  })
  bar.start(Math.max(1, totalBytes), 0, counters(tally))
  const update = () => bar.update(bytesCounted(tally), counters(tally))
  const timer = setInterval(update, UPDATE_MS)
  return {
    [Symbol.dispose]() {
      clearInterval(timer)
      bar.stop()
    },
  }
}

/** Bytes of lines, as far as their words have been counted too. Ends of lines count one byte each. */
export function bytesCounted({ lineBytes, lines, words, found }: Tally): number {
  return found === 0 ? 0 : Math.round((lineBytes + lines) * Math.min(1, words / found))
}

function counters({ lines, words }: Tally) {
  return { lines: lines.toLocaleString('en'), words: words.toLocaleString('en') }
}

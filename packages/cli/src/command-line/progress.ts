import { Writable } from 'node:stream'
import { SingleBar } from 'cli-progress'
import type { Environment, TextOutput } from './environment.ts'
import type { Report } from './report.ts'

/** Says how far a command is, to people. */
export interface Progress {
  add(count: number): void
  stop(): void
}

const NONE: Progress = { add: () => undefined, stop: () => undefined }

/** On standard error, if a person looks at it; `total` of so many. */
export function progress(total: number, what: string, { environment, report }: { environment: Environment; report: Report }): Progress {
  if (!environment.stderr.isTerminal || report.json || total === 0) return NONE
  const bar = new SingleBar({
    format: `{bar} {percentage}% {value}/{total} ${what}, {eta_formatted} left`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    stream: terminal(environment.stderr),
  })
  bar.start(total, 0)
  return { add: (count) => bar.increment(count), stop: () => bar.stop() }
}

/** As the bar wants it. */
function terminal(output: TextOutput): Writable {
  const stream = new Writable({
    decodeStrings: false,
    write: (text: string, _, done) => {
      // Who is only told how far it is need not be waited for, nor reached.
      output.write(text).catch(() => undefined)
      done()
    },
  })
  return Object.assign(stream, { isTTY: true, columns: output.columns })
}

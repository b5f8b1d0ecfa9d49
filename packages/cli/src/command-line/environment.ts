import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '@millrace/core'

/** Where text goes. */
export interface TextOutput {
  /** Whether a person looks at it: only then there are colours, frames and progress. */
  readonly isTerminal: boolean
  /** Characters in a line; undefined where there is no limit. */
  readonly columns: number | undefined
  /** Whether nobody reads it any more: what writes again and again has no reason to go on. */
  readonly isClosed: boolean
  /** Resolves when it is written, or nobody reads it any more. */
  write(text: string): Promise<void>
}

/** What a command sees of the world; tests give it another. */
export interface Environment {
  readonly stdout: TextOutput
  readonly stderr: TextOutput
  readonly variables: Readonly<Record<string, string | undefined>>
  /** What relative paths begin at. */
  readonly folder: string
  readonly clock: Clock
  /** Loads a module of the user's by its absolute path. */
  readonly importModule: (file: string) => Promise<unknown>
  /** Aborted at the first SIGINT, SIGTERM or SIGHUP: finish. */
  readonly stop: AbortSignal
  /** Aborted at the second, just before the process ends. */
  readonly kill: AbortSignal
}

const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}

/** That of this process. */
export function processEnvironment({ importModule, stop, kill }: Pick<Environment, 'importModule' | 'stop' | 'kill'>): Environment {
  return {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    variables: process.env,
    folder: process.cwd(),
    clock: systemClock,
    importModule,
    stop,
    kill,
  }
}

function outputOf(stream: NodeJS.WriteStream): TextOutput {
  let isClosed = false
  return {
    isTerminal: stream.isTTY,
    columns: stream.isTTY ? stream.columns : undefined,
    get isClosed() {
      return isClosed
    },
    write: async (text) => {
      if (!isClosed) isClosed = !(await written(stream, text))
    },
  }
}

/** Rejects if that fails; false if the reader only had enough (`| head`). */
function written(stream: NodeJS.WriteStream, text: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') resolve(false)
      else reject(new Error('The output could not be written', { cause: error }))
    }
    stream.once('error', failed)
    stream.write(text, (error) => {
      if (error !== null && error !== undefined) return failed(error)
      stream.off('error', failed)
      resolve(true)
    })
  })
}

/** Waits by the clock; resolves at once when `stop` is aborted. */
export function wait(ms: number, { clock, stop }: Pick<Environment, 'clock' | 'stop'>): Promise<void> {
  if (clock === systemClock) return sleep(ms, undefined, { signal: stop }).then(nothing, nothing)
  return new Promise((resolve) => {
    const done = () => {
      cancel()
      stop.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(ms, done)
    if (stop.aborted) done()
    else stop.addEventListener('abort', done)
  })
}

function nothing(): void {}

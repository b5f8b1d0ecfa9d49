import { setImmediate } from 'node:timers/promises'
import { type RecordWriter, viewColumn, type WriteFailure } from '@millrace/core'
import type { Lines } from './line-splitter.ts'
import type { TextFile } from './text-file.ts'

/** Records after which it is looked whether the ones before have arrived. */
const FLUSH_AFTER = 100_000

export interface WriteLinesOptions {
  readonly text: TextFile
  readonly topic: string
  readonly writer: RecordWriter
  /** Stops early once it is aborted. */
  readonly signal: AbortSignal
}

/** Writes a text to a topic, a record a line, without keys. Resolves with the number of lines once all of them are acknowledged. */
export async function writeLines({ text, topic, writer, signal }: WriteLinesOptions): Promise<number> {
  let written = 0
  let unflushed = 0
  for await (const lines of text.lines(signal)) {
    await writer.writeBatch({ topic, ...columnsOf(lines) })
    written += lines.starts.length
    unflushed += lines.starts.length
    if (unflushed >= FLUSH_AFTER) {
      unflushed = 0
      check(await writer.flush(), text.path)
    }
    // Whoever counts them in this process gets a turn, even if writing never waits.
    await setImmediate()
  }
  check(await writer.flush(), text.path)
  return written
}

function columnsOf({ bytes, starts, ends }: Lines) {
  const { length } = starts
  const now = Date.now()
  return {
    length,
    keys: viewColumn(new Array<null>(length).fill(null)),
    values: { form: 'packed' as const, length, bytes, starts, ends },
    timestamps: new Float64Array(length).fill(now),
  }
}

function check(failures: readonly WriteFailure[], path: string): void {
  const [first] = failures
  if (first === undefined) return
  const many = failures.length === 1 ? '1 line' : `${failures.length} lines`
  throw new Error(`${many} of '${path}' could not be written to topic '${first.topic}'`, { cause: first.error })
}

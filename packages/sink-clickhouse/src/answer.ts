import type { Readable } from 'node:stream'

/** Of an answer that should be empty nobody reads more. */
const MOST_CHARACTERS = 100_000
/** What every version's exceptions have. */
const EXCEPTION = /\bCode: \d+[.,][\s\S]*DB::Exception/

/**
 * Reads what a server says to an insert, to the end: it is done then, and not before. Where it has said that all is well before the insert was over
 * (`send_progress_in_http_headers`), what went wrong stands in the text. Rejects with that.
 */
export async function readAnswer(stream: Readable): Promise<void> {
  let said = ''
  for await (const piece of stream.setEncoding('utf8') as AsyncIterable<string>) if (said.length < MOST_CHARACTERS) said += piece
  if (EXCEPTION.test(said)) throw new Error(said.trim())
}

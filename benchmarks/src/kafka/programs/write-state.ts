import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** Writes what a store holds as the check of it reads it. */
export async function writeState(file: string, entries: Iterable<readonly [string, number]> | AsyncIterable<readonly [string, number]>) {
  const lines = async function* () {
    let chunk = ''
    for await (const [key, count] of entries) {
      chunk += `${key}\t${count}\n`
      if (chunk.length < 65_536) continue
      yield chunk
      chunk = ''
    }
    yield chunk
  }
  await pipeline(Readable.from(lines()), createWriteStream(file))
}

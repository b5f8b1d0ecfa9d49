import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { readAnswer } from '../src/answer.ts'
import { clickhouseBlame } from '../src/blame.ts'

test.each([
  ['Code: 27, e.displayText() = DB::Exception: Cannot parse input: expected , before: twelve', 'rows'],
  [
    '\r\n__exception__\r\nabcdef\r\nCode: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)\n80 abcdef\r\n__exception__',
    'size',
  ],
])('an answer that began well and ends with an exception is that exception: %j', async (said, blame) => {
  const error = await readAnswer(Readable.from([Buffer.from(said.slice(0, 9)), Buffer.from(said.slice(9))])).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(String(error)).toContain(said.trim())
  expect(clickhouseBlame(error)).toBe(blame)
})

test('an answer that is empty, or says anything else, is none', async () => {
  await readAnswer(Readable.from([]))
  await readAnswer(Readable.from([Buffer.from('Ok.')]))
  await expect(readAnswer(Readable.from(failing()))).rejects.toThrow('the connection is lost')
})

async function* failing(): AsyncGenerator<Buffer> {
  yield Buffer.from('')
  throw await Promise.resolve(new Error('the connection is lost'))
}

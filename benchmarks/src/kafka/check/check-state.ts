import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { keyText, numberInKey } from '../input/input-shape.ts'
import { WrongResult } from './wrong-result.ts'

/** Checks what a program's store held at the end: of each key the count that is expected, and of no other key. Rejects with what is wrong. */
export async function checkState(file: string, expected: ArrayLike<number>): Promise<void> {
  const wrong = (what: string) => new WrongResult('The store', what)
  const seen = new Uint8Array(expected.length)
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const [key = '', count] = line.split('\t')
    const number = numberInKey(key)
    if (!(number >= 0 && number < expected.length)) throw wrong(`it holds '${key}', which nobody wrote`)
    if (seen[number] === 1) throw wrong(`it holds '${key}' twice`)
    seen[number] = 1
    if (Number(count) !== expected[number]) throw wrong(`'${key}' is ${count} instead of ${expected[number]}`)
  }
  for (let number = 0; number < expected.length; number++) {
    if (seen[number] === 0 && expected[number] !== 0) throw wrong(`it does not hold '${keyText(number)}'`)
  }
}

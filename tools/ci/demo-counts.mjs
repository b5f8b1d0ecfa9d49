import { readFileSync } from 'node:fs'

/** The demo's answer must be one JSON object whose counts add up. */
const answer = JSON.parse(readFileSync(String(process.argv[2]), 'utf8'))
const counted = Object.values(answer.counts).reduce((sum, count) => sum + Number(count), 0)
if (answer.words < 100_000 || counted !== answer.words) {
  throw new Error(`The demo counted ${answer.words} words, its counts add up to ${counted}, and its text has at least 100000.`)
}
process.stdout.write(`${answer.words} words in ${answer.batches} batches, ${answer.seconds} s\n`)

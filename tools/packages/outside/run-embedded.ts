// Runs the README's program on the embedded log, in this process: fills its input, reads its output to the end, and stops it as a user
// does, by a signal. Writes the counts as JSON, beside what the program logs.
import { transport } from './embedded-log.ts'
import { lines, words } from './lines.ts'
import { countsIn, fill } from './topics.ts'

const [program = ''] = process.argv.slice(2)

await fill(transport, { from: 'lines', to: 'word-counts', lines })
const running: Promise<unknown> = import(program)
const counts = await Promise.race([
  countsIn(transport, { topic: 'word-counts', records: words }),
  running.then(() => Promise.reject(new Error('The program ended by itself.'))),
])
process.kill(process.pid, 'SIGTERM')
await running
console.log(`counts ${JSON.stringify(Object.fromEntries(counts))}`)

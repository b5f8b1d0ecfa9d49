// Fills the input of the README's program on a broker, or writes what is in its output as JSON once it holds a count for every word.
import { kafka } from 'millrace/kafka'
import { lines, words } from './lines.ts'
import { countsIn, fill } from './topics.ts'

const [what, from = '', to = ''] = process.argv.slice(2)

const transport = kafka({ brokers: process.env['KAFKA_BROKERS'] ?? 'localhost:9092' })
if (what === 'fill') await fill(transport, { from, to, lines })
else console.log(`counts ${JSON.stringify(Object.fromEntries(await countsIn(transport, { topic: to, records: words })))}`)

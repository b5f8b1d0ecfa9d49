import { defineApp, serdes, silentLogger, TopologyBuilder } from 'millrace'
import { memory } from 'millrace/memory'

/** Says when it runs, and when it has drained. */
const transport = memory()
const admin = await transport.openAdmin({ logger: silentLogger })
await admin.createTopics([{ topic: 'lines', partitions: 1 }])

const says = (event: string) => void process.stdout.write(`${JSON.stringify({ event, pid: process.pid })}\n`)
const builder = new TopologyBuilder('says')
builder
  .source('lines', { topics: ['lines'], key: serdes.bytes, value: serdes.bytes })
  .process('say', { create: () => ({ process() {}, init: () => says('runs'), close: () => says('closed') }) })

export default defineApp({
  topology: builder.build(),
  applicationId: 'says',
  transport,
  stateDir: process.env['STATE_DIR'] ?? './state',
})

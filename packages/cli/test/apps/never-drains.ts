import { defineApp, serdes, silentLogger, TopologyBuilder } from 'millrace'
import { memory } from 'millrace/memory'

const transport = memory()
const admin = await transport.openAdmin({ logger: silentLogger })
await admin.createTopics([{ topic: 'lines', partitions: 1 }])

const builder = new TopologyBuilder('never')
builder.source('lines', { topics: ['lines'], key: serdes.bytes, value: serdes.bytes }).process('stuck', {
  create: () => ({
    process() {},
    init: () => {
      process.stdout.write('{"event":"never drains"}\n')
    },
    close: () => {
      process.stdout.write('{"event":"closing"}\n')
      return new Promise<void>(() => undefined)
    },
  }),
})

export default defineApp({
  topology: builder.build(),
  applicationId: 'never-drains',
  transport,
  stateDir: process.env['STATE_DIR'] ?? './state',
})

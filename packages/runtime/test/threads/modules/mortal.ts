import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineApp, type Headers, serdes, TopologyBuilder, type Transport, viewColumn } from '@millrace/core'
import { memory } from '@millrace/transport-memory'

/** What may happen to a thread, once each: a file says that it has. */
const DEATHS: Readonly<Record<string, () => unknown>> = {
  exit: () => process.exit(7),
  uncaught: () => {
    setImmediate(() => {
      throw new RangeError('nobody catches this')
    })
    // Nothing after it is processed before.
    return new Promise(() => undefined)
  },
  heap: () => {
    const kept: Headers[][] = []
    for (;;) kept.push(Array.from({ length: 10_000 }, () => []))
  },
}
const KEYS = ['one', 'exit', 'two', 'uncaught', 'three', 'heap', 'last']
const folder = String(process.env['MILLRACE_TEST_DEATHS'])
const text = { key: serdes.string, value: serdes.string }

/** An embedded log for each thread, with the same records: what threads of an application say to each other needs no broker. */
async function ownLog(): Promise<Transport> {
  const log = memory()
  const { logger } = { logger: { debug() {}, info() {}, warn() {}, error() {} } }
  const admin = await log.openAdmin({ logger })
  await admin.createTopics([{ topic: 'in', partitions: 1 }])
  const writer = await log.openWriter({ clientId: 'input' }, { logger })
  const column = viewColumn(KEYS.map((key) => Buffer.from(key)))
  await writer.writeBatch({ topic: 'in', length: KEYS.length, keys: column, values: column, timestamps: KEYS.map(() => 1) })
  await writer.flush()
  return {
    name: 'log-of-each',
    openSource: (options, context) => log.openSource(options, context),
    openWriter: (options, context) => log.openWriter(options, context),
    openAdmin: (context) => log.openAdmin(context),
  }
}

const builder = new TopologyBuilder('mortal')
builder.source('in', { topics: ['in'], ...text }).process('live', async ({ key }) => {
  const death = DEATHS[key]
  if (death === undefined) return
  try {
    writeFileSync(join(folder, key), '', { flag: 'wx' })
  } catch {
    return
  }
  await death()
})

export default defineApp({
  topology: builder.build(),
  applicationId: 'mortal',
  transport: await ownLog(),
  batch: { size: 1, timeoutMs: 1 },
})

import { createPublisher, event } from '@millrace/publisher'
import { memory } from '@millrace/transport-memory'
import { openLevelDb } from '@millrace/store-leveldb'

const [outbox, log, from, count, mode] = process.argv.slice(2) as [string, string, string, string, 'away' | 'there']

// Away: nothing is ever answered, as by a broker that can't be reached.
const faults = {
  before: (operation: { readonly type: string }) => (operation.type === 'send' ? new Promise<void>(() => undefined) : undefined),
}
const transport = memory({ folder: log, ...(mode === 'away' && { faults }) })
const publisher = createPublisher({
  transport,
  environment: {},
  outbox: { folder: outbox, open: openLevelDb },
  batch: { size: 7, timeoutMs: 5 },
  events: { a: event<{ key: string; n: number }>({ topic: 'a', key: ({ key }) => key }) },
})
for (let n = Number(from); n < Number(from) + Number(count); n++) void publisher.publish('a', { key: `k${n % 3}`, n }, { id: `id-${n}` })
await publisher.stored()
process.stdout.write('stored\n')
if (mode === 'there') {
  await publisher.forceFlush()
  await publisher.close()
  process.stdout.write('closed\n')
}
setInterval(() => undefined, 1_000)

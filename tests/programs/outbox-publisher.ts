import { kafka } from 'millrace/kafka'
import { openLevelDb } from 'millrace/leveldb'
import { createPublisher, event } from 'millrace/publisher'

interface Config {
  readonly brokers: string
  readonly topic: string
  readonly folder: string
  /** So many events are published; none: what the outbox has is sent. */
  readonly count: number
  /** It kills itself when all events are stored and so many are delivered. Default: it does not. */
  readonly killAfter?: number
}

const { brokers, topic, folder, count, killAfter } = JSON.parse(process.argv[2] as string) as Config
const publisher = createPublisher({
  transport: kafka({ brokers }),
  environment: {},
  outbox: { folder, open: openLevelDb },
  // Many flushes, so that it is killed between two of them.
  batch: { size: 5, maxSize: 5 },
  events: { a: event<{ readonly key: string; readonly n: number }>({ topic, key: ({ key }) => key }) },
})
let delivered = 0
let isStored = false
const killWhenDue = () => {
  if (isStored && killAfter !== undefined && delivered >= killAfter) process.kill(process.pid, 'SIGKILL')
}
for (let n = 0; n < count; n++)
  publisher.publish('a', { key: `k${n % 3}`, n }, { id: `id-${n}` }).then(
    () => {
      delivered++
      killWhenDue()
    },
    () => undefined,
  )
await publisher.stored()
isStored = true
killWhenDue()
await publisher.forceFlush()
const { unsent } = await publisher.close()
process.send?.({ unsent: unsent.length })
process.disconnect()

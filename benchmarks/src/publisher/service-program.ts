import { kafka } from '@millrace/transport-kafka'
import { type LoopUse, loopUse, type Sender } from './loop-use.ts'
import { awaitedSends, latencies, publishedEvents, type Latency, type Steadily, type Throughput } from './ways.ts'

/** What a service is to do, for once. */
export type Task = { readonly brokers: string; readonly topic: string } & (
  | { readonly way: 'awaited'; readonly count: number }
  | { readonly way: 'published'; readonly client: Client; readonly count: number; readonly batchSize: number | undefined }
  | ({ readonly way: 'steadily'; readonly client: Client } & Steadily)
  | {
      readonly way: 'loop'
      readonly client: Client
      readonly sender: Sender
      readonly timeoutMs: number
      readonly perSecond: number
      readonly forMs: number
    }
)
type Client = 'confluent' | 'packed'

/** A service in a process of its own: does what it is told, one after the other, and says how that went. */
async function done(task: Task): Promise<Throughput | Latency | LoopUse> {
  const { brokers, topic, way } = task
  // A client that waits for no company is best for who sends one at a time.
  if (way === 'awaited') return awaitedSends(kafka({ brokers, client: 'confluent', producer: { 'linger.ms': 0 } }), topic, task.count)
  const transport = kafka({ brokers, client: task.client })
  if (way === 'loop') return loopUse(transport, topic, task)
  return way === 'published' ? publishedEvents(transport, topic, task) : latencies(transport, topic, task)
}

// A failure ends the process, and says why.
process.on('message', (task: Task) => void done(task).then((result) => process.send?.(result)))

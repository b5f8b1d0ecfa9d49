import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Transport } from '@millrace/core'
import { createPublisher } from '@millrace/publisher'
import { threadMs } from '../harness/thread-time.ts'
import { eventsFor, orderOf, type OrderPublisher, type Steadily, TICK_MS, warm } from './ways.ts'

/** Who makes records of events and sends them: nobody, so that it is seen what the service does anyway, the service itself, or a process of their own. */
export type Sender = 'nobody' | 'service' | 'worker'

/** What publishing at a steady rate takes of the event loop of the service that does it. */
export interface LoopUse {
  /** Part of the time that the loop was not idle: 0 to 1. */
  readonly busy: number
  /** Processor time of the thread of JavaScript, in microseconds an event. */
  readonly threadMicros: number
  /** By how many milliseconds the loop was late: 99 of 100 times by less. */
  readonly lateMs: number
}

type Rate = Pick<Steadily, 'perSecond' | 'forMs'>

/** Measures a service whose events are sent by `sender`. */
export async function loopUse(transport: Transport, topic: string, { sender, timeoutMs, ...rate }: Steadily & { readonly sender: Sender }) {
  if (sender === 'nobody') return watched(rate, (n) => void orderOf(n))
  const batch = { size: 1_000, maxSize: 1_000, timeoutMs }
  const publisher = createPublisher({ transport, events: eventsFor(topic), environment: {}, batch, worker: sender === 'worker' })
  await warm(publisher)
  const use = await watched(rate, (n) => void publisher.publish('order', orderOf(n)), publisher)
  const { unsent } = await publisher.close()
  if (unsent.length > 0) throw new Error(`${unsent.length} events were not written`)
  return use
}

async function watched({ perSecond, forMs }: Rate, act: (n: number) => void, publisher?: OrderPublisher): Promise<LoopUse> {
  // Not counted: until the compiler has seen what is to come.
  await steadily({ perSecond, forMs: forMs / 2 }, act)
  const late = monitorEventLoopDelay({ resolution: TICK_MS })
  late.enable()
  const [began, threadBegan] = [performance.eventLoopUtilization(), threadMs()]
  const count = await steadily({ perSecond, forMs }, act)
  await publisher?.forceFlush()
  const { utilization: busy } = performance.eventLoopUtilization(began)
  const threadMicros = ((threadMs() - threadBegan) / count) * 1_000
  late.disable()
  // It counts the time that it was to wait, too.
  return { busy, threadMicros, lateMs: Math.max(0, late.percentile(99) / 1_000_000 - TICK_MS) }
}

/** Resolves to how often. */
async function steadily({ perSecond, forMs }: Rate, act: (n: number) => void): Promise<number> {
  let n = 0
  const began = performance.now()
  for (let passed = 0; passed < forMs; passed = performance.now() - began) {
    for (const due = (passed * perSecond) / 1_000; n < due; n++) act(n)
    await sleep(TICK_MS)
  }
  return n
}

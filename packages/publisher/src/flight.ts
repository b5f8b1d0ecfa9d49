import type { Delivery, MillraceError } from '@millrace/core'
import type { PendingEvent } from './pending-event.ts'

type Undelivered = Exclude<Delivery, { readonly outcome: 'written' }>

/** An event that was not written. */
interface Failed {
  readonly event: PendingEvent
  readonly delivery: Undelivered
}

/** What a flight is made with. */
export interface FlightPort {
  readonly maxRetries: number
  readonly send: (events: readonly PendingEvent[]) => Promise<readonly Delivery[]>
  readonly written: (event: PendingEvent, delivery: Extract<Delivery, { readonly outcome: 'written' }>) => void
  /** `overtaken`: later events of its key are written. */
  readonly failed: (event: PendingEvent, delivery: Undelivered, overtaken: boolean) => void
  /** Waits before retry `retry`, from 1; false: there is to be none any more. */
  readonly wait: (retry: number, error: MillraceError, events: number) => Promise<boolean>
}

/** How a batch went: all written at once or after retries; taken apart because of some record; given up. */
export type FlightResult = 'good' | 'apart' | 'failed'

/** What holds for a whole topic: to try its records one by one would tell the same of each. */
const OF_THE_TOPIC: ReadonlySet<string> = new Set(['UNKNOWN_TOPIC', 'NOT_AUTHORIZED', 'KAFKA_AUTHENTICATION'])
/** Not to be tried again with the same client, but with another one. */
export const ANOTHER_CLIENT: ReadonlySet<string> = new Set(['KAFKA_FATAL', 'CLOSED', 'PRODUCER_FENCED'])

/** Whether the same event may be written when it is sent again. */
export function mayBeSentAgain({ error }: Undelivered): boolean {
  return error.retryable || ANOTHER_CLIENT.has(error.code)
}

/**
 * Sends events of one topic until each is written or given up: what failed is sent again, in its order, and nothing of its keys meanwhile. Where some are
 * refused for good they are taken apart until the culprit stands alone. An event that later ones of its key have overtaken is not sent again.
 */
export async function fly(events: readonly PendingEvent[], first: Promise<readonly Delivery[]>, port: FlightPort): Promise<FlightResult> {
  let left = events
  let deliveries = await first
  for (let retry = 1; ; retry++) {
    const again = settle(left, deliveries, port)
    if (again.length === 0) return 'good'
    const final = again.filter(({ delivery }) => !mayBeSentAgain(delivery))
    const topicWide = final.some(({ delivery }) => OF_THE_TOPIC.has(delivery.error.code))
    if (topicWide) {
      giveUp(again, port)
      return 'failed'
    }
    if (final.length > 1) {
      await takeApart(again, port)
      return 'apart'
    }
    giveUp(final, port)
    const rest = again.filter((each) => !final.includes(each))
    if (rest.length === 0) return 'good'
    if (retry > port.maxRetries || !(await port.wait(retry, (rest[0] as Failed).delivery.error, rest.length))) {
      giveUp(rest, port)
      return 'failed'
    }
    left = rest.map(({ event }) => event)
    deliveries = await port.send(left)
  }
}

/** Tells of what was written, and of what can't be sent again without coming behind its successors; returns the others. */
function settle(events: readonly PendingEvent[], deliveries: readonly Delivery[], port: FlightPort): Failed[] {
  const written = new Set<string>()
  const again: Failed[] = []
  for (let i = events.length - 1; i >= 0; i--) {
    const event = events[i] as PendingEvent
    const delivery = deliveries[i] as Delivery
    if (delivery.outcome === 'written') {
      if (event.lane !== undefined) written.add(event.lane)
    } else if (event.lane !== undefined && written.has(event.lane)) port.failed(event, delivery, true)
    else again.unshift({ event, delivery })
  }
  for (const [i, event] of events.entries()) {
    const delivery = deliveries[i] as Delivery
    if (delivery.outcome === 'written') port.written(event, delivery)
  }
  return again
}

async function takeApart(failed: readonly Failed[], port: FlightPort): Promise<void> {
  const events = failed.map(({ event }) => event)
  const middle = Math.ceil(events.length / 2)
  for (const half of [events.slice(0, middle), events.slice(middle)]) await fly(half, port.send(half), port)
}

function giveUp(failed: readonly Failed[], port: FlightPort): void {
  for (const { event, delivery } of failed) port.failed(event, delivery, false)
}

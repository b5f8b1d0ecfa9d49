import type { Delivery, MillraceError } from '@millrace/core'
import type { PendingEvent } from './pending-event.ts'

/** What became of an event that was handed to a writer. `unopened`: there was no writer, for a reason that is not the event's. */
export type Sent = Delivery & { readonly unopened?: true }

export type Undelivered = Exclude<Sent, { readonly outcome: 'written' }>

/** An event that was not written. */
interface Failed {
  readonly event: PendingEvent
  readonly delivery: Undelivered
}

/** What a flight is made with. */
export interface FlightPort {
  readonly maxRetries: number
  /** Whether an event may still be sent, by the time since it was published. */
  readonly hasTime: (event: PendingEvent) => boolean
  /** Nothing is given up but what is refused for its own sake. */
  readonly unending: boolean
  /** From when a writer has them on, nobody knows what becomes of them: then, and not before, `between` is undefined. */
  readonly send: (events: readonly PendingEvent[]) => Promise<readonly Sent[]>
  readonly written: (event: PendingEvent, delivery: Extract<Delivery, { readonly outcome: 'written' }>) => void
  /** `overtaken`: later events of its key are written. */
  readonly failed: (event: PendingEvent, delivery: Undelivered, overtaken: boolean) => void
  /** Waits before retry `retry`, from 1; false: there is to be none any more. */
  readonly wait: (retry: number, error: MillraceError, events: number) => Promise<boolean>
}

/** How a batch went: all written at once or after retries; taken apart because of some record; given up; not to be had for what holds for the topic as a whole. */
export type FlightResult = 'good' | 'apart' | 'failed' | 'barred'

/** What holds for a whole topic: to try its records one by one would tell the same of each. */
const OF_THE_TOPIC: ReadonlySet<string> = new Set(['UNKNOWN_TOPIC', 'NOT_AUTHORIZED', 'KAFKA_AUTHENTICATION'])
/** What is wrong with the record itself, whoever sends it, and whenever. */
const OF_THE_RECORD: ReadonlySet<string> = new Set(['RECORD_TOO_LARGE', 'INVALID_RECORD'])
/** Not to be tried again with the same client, but with another one. */
export const ANOTHER_CLIENT: ReadonlySet<string> = new Set(['KAFKA_FATAL', 'CLOSED', 'PRODUCER_FENCED'])

/** Whether the same event may be written when it is sent again. */
export function mayBeSentAgain({ error }: Pick<Undelivered, 'error'>): boolean {
  return error.retryable || ANOTHER_CLIENT.has(error.code)
}

/** Whether it is refused for its own sake: no publisher can ever send it. */
export function isOfTheRecord({ outcome, error }: Pick<Undelivered, 'outcome' | 'error'>): boolean {
  return outcome === 'refused' && OF_THE_RECORD.has(error.code)
}

/**
 * Sends events of one topic until each is written or given up: what failed is sent again, in its order, and nothing of its keys meanwhile. Where some are
 * refused for good they are taken apart until the culprit stands alone. An event that later ones of its key have overtaken is not sent again, unless the
 * flight is unending: that it is there counts for more than its place.
 */
export async function fly(events: readonly PendingEvent[], first: Promise<readonly Sent[]>, port: FlightPort): Promise<FlightResult> {
  let left = events
  let deliveries = await first
  for (let retry = 1; ; retry++) {
    const again = settle(left, deliveries, port)
    if (again.length === 0) return 'good'
    const final = again.filter(({ delivery }) => isFinal(delivery, port))
    if (final.some(({ delivery }) => isBarred(delivery))) {
      giveUp(again, port)
      return 'barred'
    }
    if (final.length > 1) {
      await takeApart(again, port)
      return 'apart'
    }
    giveUp(final, port)
    const rest = again.filter((each) => !final.includes(each))
    const [head] = rest
    if (head === undefined) return 'good'
    const mayRetry = retry <= port.maxRetries || (isAway(head.delivery) && port.hasTime(head.event))
    if (!mayRetry || !(await port.wait(retry, head.delivery.error, rest.length))) {
      giveUp(rest, port)
      return isBarred(head.delivery) ? 'barred' : 'failed'
    }
    left = rest.map(({ event }) => event)
    deliveries = await port.send(left)
  }
}

function isFinal(delivery: Undelivered, { unending }: FlightPort): boolean {
  return unending ? isOfTheRecord(delivery) : !mayBeSentAgain(delivery)
}

/** Whether there is nobody to send to: tries end with the time of the events, and are not counted. */
function isAway({ unopened, error }: Undelivered): boolean {
  return unopened === true && error.retryable
}

/** Whether all other records of the topic would be told the same. */
function isBarred({ unopened, error }: Undelivered): boolean {
  return unopened === true || OF_THE_TOPIC.has(error.code)
}

/** Tells of what was written, and of what can't be sent again without coming behind its successors; returns the others. */
function settle(events: readonly PendingEvent[], deliveries: readonly Sent[], port: FlightPort): Failed[] {
  const again = deliveries.every(isWritten) ? [] : failedOf(events, deliveries, port)
  for (let i = 0; i < events.length; i++) {
    const delivery = deliveries[i] as Sent
    if (delivery.outcome === 'written') port.written(events[i] as PendingEvent, delivery)
  }
  return again
}

function isWritten({ outcome }: Sent): boolean {
  return outcome === 'written'
}

function failedOf(events: readonly PendingEvent[], deliveries: readonly Sent[], port: FlightPort): Failed[] {
  const written = new Set<string>()
  const again: Failed[] = []
  for (let i = events.length - 1; i >= 0; i--) {
    const event = events[i] as PendingEvent
    const delivery = deliveries[i] as Sent
    if (delivery.outcome === 'written') {
      if (event.lane !== undefined) written.add(event.lane)
      continue
    }
    event.failure = delivery.error
    if (delivery.outcome === 'unknown') event.doubtful = true
    else event.between = delivery.unopened === true ? 'not-sent' : 'refused'
    const overtaken = event.lane !== undefined && written.has(event.lane)
    if (overtaken && (!port.unending || isOfTheRecord(delivery))) port.failed(event, delivery, true)
    else again.push({ event, delivery })
  }
  return again.reverse()
}

async function takeApart(failed: readonly Failed[], port: FlightPort): Promise<void> {
  const events = failed.map(({ event }) => event)
  const middle = Math.ceil(events.length / 2)
  for (const half of [events.slice(0, middle), events.slice(middle)]) {
    await fly(half, port.send(half), port)
  }
}

function giveUp(failed: readonly Failed[], port: FlightPort): void {
  for (const { event, delivery } of failed) port.failed(event, delivery, false)
}

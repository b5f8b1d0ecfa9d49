import {
  type CircuitBreakers,
  type Clock,
  type Compression,
  type Delivery,
  type Logger,
  type MillraceError,
  type ResolvedRetryOptions,
  retryDelay,
} from '@millrace/core'
import { type FlightPort, type FlightResult, fly, isOfTheRecord, mayBeSentAgain, type Sent } from './flight.ts'
import { DEFAULT_COMPRESSION } from './events.ts'
import type { PendingEvent } from './pending-event.ts'
import { deliveryFailed } from './publish-failures.ts'
import type { PublishError } from './publish-error.ts'
import type { PublisherCounts } from './publisher-metrics.ts'
import type { TopicLanes } from './topic-lane.ts'
import { writeBatchOf } from './write-batches.ts'
import type { Writers } from './writers.ts'

type Written = Extract<Delivery, { readonly outcome: 'written' }>

export interface FlightsOptions {
  readonly maxRetries: number
  readonly deliveryTimeoutMs: number
  /** Nothing is given up but what is refused for its own sake. */
  readonly unending: boolean
  readonly retry: ResolvedRetryOptions
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  readonly compressions: ReadonlyMap<string, Compression>
  readonly logger: Logger
  readonly clock: Clock
  readonly writers: Writers
  readonly lanes: TopicLanes
  readonly breakers: CircuitBreakers | undefined
  readonly counts: PublisherCounts
  readonly onWritten: (event: PendingEvent, delivery: Written) => void
  /** `forGood`: no publisher can ever send it. */
  readonly onFailed: (event: PendingEvent, error: PublishError, forGood: boolean) => void
  /** A topic may take another flight. */
  readonly onLanded: () => void
}

/** A try that failed, and is to be followed by another. */
interface Retrying {
  readonly retry: number
  readonly error: MillraceError
  readonly events: number
  /** Undefined: of a transaction. */
  readonly topic?: string | undefined
}

/** The flights under way: sends, retries, and what becomes of each event. */
export class Flights {
  readonly #options: FlightsOptions
  readonly #waits = new Set<() => void>()
  #over = false

  constructor(options: FlightsOptions) {
    this.#options = options
  }

  /** How many events of a topic may go now. */
  room(topic: string, now: number): number {
    const { lanes, breakers } = this.#options
    if (this.waitMs(topic) > 0) return 0
    return lanes.room(topic, now, breakers?.open.has(topic) !== true)
  }

  /** How long the circuit of a topic stays open, in milliseconds. */
  waitMs(topic: string): number {
    return this.#over ? 0 : (this.#options.breakers?.waitMs(topic) ?? 0)
  }

  /** Until another flight may begin though none has landed: the first open circuit may be tried again, or one is slow by then. */
  soonestMs(now: number): number {
    let soonest = this.#options.lanes.overlapMs(now)
    for (const topic of this.#options.breakers?.open.keys() ?? []) {
      const waitMs = this.waitMs(topic)
      if (waitMs > 0) soonest = Math.min(soonest, waitMs)
    }
    return soonest
  }

  /** Nothing is tried again. */
  end(): void {
    this.#over = true
    for (const end of this.#waits) end()
  }

  /** Hands the batches of all topics to their writers, each writer's at once, and sees each through. */
  send(topics: ReadonlyMap<string, readonly PendingEvent[]>): Promise<readonly FlightResult[]> {
    const { lanes, breakers, writers, clock } = this.#options
    const now = clock.monotonic()
    const codecs = new Map<Compression, string[]>()
    for (const topic of topics.keys()) {
      lanes.begin(topic, now)
      breakers?.try(topic)
      const codec = this.#compressionOf(topic)
      codecs.set(codec, [...(codecs.get(codec) ?? []), topic])
    }
    const flights: Promise<FlightResult>[] = []
    for (const [codec, names] of codecs) {
      const batches = names.map((topic) => writeBatchOf(topic, topics.get(topic) as readonly PendingEvent[]))
      const sent = names.map((topic) => topics.get(topic) as readonly PendingEvent[])
      for (const events of sent) for (const event of events) event.between = 'not-sent'
      for (const [i, deliveries] of writers.send(codec, batches, () => sent.forEach(taken)).entries()) {
        const topic = names[i] as string
        flights.push(this.#fly(topic, sent[i] as readonly PendingEvent[], this.#observed(topic, deliveries)))
      }
    }
    return Promise.all(flights)
  }

  /** Tells the circuit breaker of the topic. */
  async #observed(topic: string, deliveries: Promise<readonly Sent[]>): Promise<readonly Sent[]> {
    const settled = await deliveries
    const answered = settled.some((one) => one.outcome === 'written' || !mayBeSentAgain(one))
    if (answered) this.#options.breakers?.succeeded(topic)
    else this.#options.breakers?.failed(topic)
    return settled
  }

  async #fly(topic: string, events: readonly PendingEvent[], first: Promise<readonly Sent[]>): Promise<FlightResult> {
    const { counts, lanes, onLanded } = this.#options
    let inTrouble = false
    const port = this.#portOf(topic, () => {
      if (!inTrouble) lanes.inTrouble(topic)
      inTrouble = true
    })
    const result = await fly(events, first, port)
    if (result === 'apart') counts.takenApart++
    lanes.end(topic, { good: result === 'barred' ? undefined : result === 'good', inTrouble })
    onLanded()
    return result
  }

  /** `onTrouble`: something is to be sent again. */
  #portOf(topic: string, onTrouble: () => void): FlightPort {
    const { maxRetries, unending, breakers, writers, clock, deliveryTimeoutMs, onWritten, onFailed } = this.#options
    return {
      maxRetries,
      unending,
      hasTime: ({ arrivedAt }) => clock.monotonic() - arrivedAt < deliveryTimeoutMs,
      send: (events) => {
        onTrouble()
        breakers?.try(topic)
        const [deliveries] = writers.send(this.#compressionOf(topic), [writeBatchOf(topic, events)], () => taken(events))
        return this.#observed(topic, deliveries as Promise<readonly Sent[]>)
      },
      written: onWritten,
      failed: (event, delivery, overtaken) => onFailed(event, deliveryFailed(event, delivery, overtaken), isOfTheRecord(delivery)),
      wait: (retry, error, events) => {
        onTrouble()
        return this.waitForRetry({ retry, error, events, topic })
      },
    }
  }

  /** False: there is to be none any more. */
  async waitForRetry({ topic, ...about }: Retrying): Promise<boolean> {
    const { retry: delays, random, logger, counts } = this.#options
    if (this.#over) return false
    counts.retries++
    const leastMs = topic === undefined ? 0 : this.waitMs(topic)
    const delayMs = Math.max(retryDelay(about.retry, delays, random()), leastMs)
    const { error, ...what } = about
    logger.warn({ topic, ...what, delayMs, err: error }, 'events could not be sent and are sent again')
    await this.#wait(delayMs)
    return !this.#over
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel()
        this.#waits.delete(end)
        resolve()
      }
      const cancel = this.#options.clock.after(delayMs, end)
      this.#waits.add(end)
    })
  }

  #compressionOf(topic: string): Compression {
    return this.#options.compressions.get(topic) ?? DEFAULT_COMPRESSION
  }
}

/** Whether they are sent by now is for the writer to say. */
function taken(events: readonly PendingEvent[]): void {
  for (const event of events) event.between = undefined
}

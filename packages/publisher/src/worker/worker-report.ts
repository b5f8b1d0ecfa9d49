import type { BatchStatus } from '../publisher.ts'
import type { PublisherMetrics } from '../publisher-metrics.ts'
import type { FromWorker } from './messages.ts'

/** What the service knows by itself. */
export interface OwnFigures {
  readonly now: number
  /** Events and their bytes that are with the worker, or on their way to it. */
  readonly events: number
  readonly bytes: number
  readonly waitingForRoom: number
  /** When the first was published that did not go to the worker yet; Infinity: there is none. */
  readonly outgoingSince: number
  /** As long as the worker has said nothing. */
  readonly limits: Pick<BatchStatus, 'batchSize' | 'maxBatchSize' | 'batchTimeoutMs'>
}

const HEALTHY = { degraded: false, degradedTopics: [], circuits: {} }

/** What the worker told of itself last: it does now and then, and with each answer. */
export class WorkerReport {
  #status: BatchStatus | undefined
  #toldAt = 0
  /** When the first was published that went to it since; Infinity: none did. */
  #handedSince = Infinity
  metrics: PublisherMetrics | undefined

  told({ status, metrics }: FromWorker, now: number): void {
    if (metrics !== undefined) this.metrics = metrics
    if (status === undefined) return
    this.#status = status
    this.#toldAt = now
    this.#handedSince = Infinity
  }

  /** Events went to it, the first of which was published then. */
  handedOver(arrivedAt: number): void {
    this.#handedSince = Math.min(this.#handedSince, arrivedAt)
  }

  /** It is gone. */
  clear(): void {
    this.#status = undefined
    this.metrics = undefined
    this.#handedSince = Infinity
  }

  /** How the publisher is: what is not on its way to Kafka is pending, here or there. */
  statusWith({ now, events, bytes, waitingForRoom, outgoingSince, limits }: OwnFigures): BatchStatus {
    const status = this.#status
    const inFlight = Math.min(status?.inFlight ?? 0, events)
    const pendingEvents = events - inFlight
    const flyingBytes = status === undefined ? 0 : (this.metrics?.batch.buffered_bytes ?? 0) - status.pendingBytes
    return {
      ...HEALTHY,
      ...limits,
      ...status,
      inFlight,
      pendingEvents,
      waitingForRoom,
      pendingBytes: pendingEvents === 0 ? 0 : Math.max(0, bytes - flyingBytes),
      oldestAgeMs: pendingEvents === 0 ? 0 : this.#oldestAgeMs(now, outgoingSince),
    }
  }

  #oldestAgeMs(now: number, outgoingSince: number): number {
    const here = Math.max(0, now - Math.min(outgoingSince, this.#handedSince))
    const { pendingEvents = 0, oldestAgeMs = 0 } = this.#status ?? {}
    return pendingEvents === 0 ? here : Math.max(here, oldestAgeMs + now - this.#toldAt)
  }
}

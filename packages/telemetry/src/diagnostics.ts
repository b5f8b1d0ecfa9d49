import type { PassEndedEvent, PassStartedEvent, RuntimeEvent } from '@millrace/core'
import { type Channel, channel } from 'node:diagnostics_channel'

/** What is published when a batch begins, on `millrace:batch:start`. */
export interface BatchStart {
  readonly application: string
  readonly task: string
  readonly topic: string
  readonly partition: number
  /** Of the first record. */
  readonly offset: number
  /** Records. */
  readonly count: number
}

/** What is published when it ends, on `millrace:batch:stop`, after the error if there is one. */
export interface BatchStop extends BatchStart {
  /** In milliseconds, waits for retries left out. */
  readonly duration: number
  /** Records that were given up, or all that are not done if the batch failed. */
  readonly failed: number
}

/** What is published when it fails as a whole, on `millrace:batch:error`. */
export interface BatchFailed extends BatchStart {
  /** What was thrown. */
  readonly error: unknown
}

/** Publishes batches for who subscribed to Node's `diagnostics_channel`. */
export class Diagnostics {
  readonly events = ['pass-started', 'pass-ended'] as const
  readonly #application: string
  readonly #start: Channel = channel('millrace:batch:start')
  readonly #stop: Channel = channel('millrace:batch:stop')
  readonly #error: Channel = channel('millrace:batch:error')

  constructor(application: string) {
    this.#application = application
  }

  readonly observe = (event: RuntimeEvent): void => {
    if (event.type === 'pass-started') {
      if (this.#start.hasSubscribers) this.#start.publish(this.#batch(event) satisfies BatchStart)
    } else if (event.type === 'pass-ended') {
      if (event.outcome === 'failed' && this.#error.hasSubscribers)
        this.#error.publish({ ...this.#batch(event), error: event.error } satisfies BatchFailed)
      if (this.#stop.hasSubscribers) {
        const failed = event.givenUp + (event.outcome === 'failed' ? event.records - event.done : 0)
        this.#stop.publish({ ...this.#batch(event), duration: event.durationMs, failed } satisfies BatchStop)
      }
    }
  }

  #batch({ task, topic, partition, firstOffset, records }: PassStartedEvent | PassEndedEvent): BatchStart {
    return { application: this.#application, task, topic, partition, offset: firstOffset, count: records }
  }
}

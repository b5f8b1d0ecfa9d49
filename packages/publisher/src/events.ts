import type { BatchOptions, Compression } from '@millrace/core'
import type { PublishError } from './publish-error.ts'

/** Of topics for which nothing else is said, and of transactions where topics have several. */
export const DEFAULT_COMPRESSION: Compression = 'lz4'

/** `high`: overtakes events that wait, but none of its own key. */
export type Priority = 'normal' | 'high'

/** Of a type that is only known to the compiler. */
declare const payloadOf: unique symbol

/** How events of one type are published. Make one with {@link event}, which says what its payload is. */
export interface EventDefinition<Payload> {
  /** Where they go. It must exist. */
  readonly topic: string
  /** What they are ordered by, and which partition they go to; `null` or `undefined`: none. Default: none, unless `publish` is given one. */
  readonly key?: ((payload: Payload) => string | Uint8Array | null | undefined) | undefined
  /** The bytes of a payload; they are copied. Default: JSON. */
  readonly serialize?: ((payload: Payload) => Uint8Array) | undefined
  /** The payload of such bytes, for who reads events. Default: JSON. */
  readonly deserialize?: ((bytes: Uint8Array) => unknown) | undefined
  /** When batches of this type are cut, apart from all others. The publisher's `batch.maxSize` bounds them, too. Default: as the topic has it, else with all others. */
  readonly batch?: BatchOptions | undefined
  /** Of the whole topic: all types of one topic must agree. Transactions have one for all topics: that of all if they agree, else `lz4`. Default: `lz4`. */
  readonly compression?: Compression | undefined
  /** Default: `normal`. */
  readonly priority?: Priority | undefined
  /** Goes out at once, together with what waits for its key. Default: false. */
  readonly critical?: boolean | undefined
  readonly [payloadOf]?: ((payload: Payload) => void) | undefined
}

/** Definitions of events by their types. */
export type EventDefinitions = Readonly<Record<string, EventDefinition<never>>>

/** The payload of a type of events. */
export type PayloadOf<Definition> = Definition extends EventDefinition<infer Payload> ? Payload : never

/**
 * Defines a type of events, and what its payload is.
 *
 * ```ts
 * import { event } from 'millrace/publisher'
 *
 * const events = {
 *   'order.created': event<{ id: string; total: number }>({ topic: 'orders', key: (order) => order.id }),
 * }
 * ```
 */
export function event<Payload>(
  definition: EventDefinition<Payload> & { readonly deserialize?: ((bytes: Uint8Array) => Payload) | undefined },
): EventDefinition<Payload> {
  return Object.freeze({ ...definition })
}

/** What one event is published with, besides its payload. */
export interface PublishOptions {
  /** Instead of what the definition makes of the payload. */
  readonly key?: string | Uint8Array | null | undefined
  /** Besides the publisher's own. Default: none. */
  readonly headers?: Readonly<Record<string, string | Uint8Array>> | undefined
  /** Milliseconds since 1970. Default: now. */
  readonly timestamp?: number | undefined
  /** By which consumers tell repeats. Default: a new one. */
  readonly id?: string | undefined
  /** Default: that of the definition. */
  readonly priority?: Priority | undefined
  /** Default: that of the definition. */
  readonly critical?: boolean | undefined
}

/** One event, as data. */
export type PublishedEvent<Events extends EventDefinitions> = {
  readonly [Type in keyof Events & string]: {
    readonly type: Type
    readonly payload: PayloadOf<Events[Type]>
    readonly options?: PublishOptions | undefined
  }
}[keyof Events & string]

/** Where an event is now. */
export interface PublishReceipt {
  readonly id: string
  readonly topic: string
  readonly partition: number
  /** -1 where the broker has had it from an earlier try and does not say where. */
  readonly offset: number
}

/** What became of one event of several. */
export type PublishOutcome = { readonly ok: true; readonly receipt: PublishReceipt } | { readonly ok: false; readonly error: PublishError }

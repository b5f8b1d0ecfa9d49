import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** How somebody asks: with the token, without one, or for health alone. Each has a budget of its own, so that a flood of one locks out no other. */
export type Caller = 'authorised' | 'anonymous' | 'probe'

/** So many requests at once are let through; then as many a second as the rate is. */
class Bucket {
  readonly #perSecond: number
  #left: number
  #at: number

  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond
    this.#left = 2 * perSecond
    this.#at = now
  }

  take(now: number): boolean {
    this.#left = Math.min(2 * this.#perSecond, this.#left + ((now - this.#at) / 1_000) * this.#perSecond)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}

export interface AccessOptions {
  readonly token: string | undefined
  readonly requestsPerSecond: number
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** Who may ask, and how often. */
export class Access {
  readonly #token: Buffer | undefined
  readonly #buckets: Readonly<Record<Caller, Bucket>>
  readonly #now: () => number

  constructor({ token, requestsPerSecond, now }: AccessOptions) {
    this.#token = token === undefined ? undefined : digest(token)
    this.#now = now
    const bucket = () => new Bucket(requestsPerSecond, now())
    this.#buckets = { authorised: bucket(), anonymous: bucket(), probe: bucket() }
  }

  /** Whether a token is asked for. */
  get guarded(): boolean {
    return this.#token !== undefined
  }

  /** Whether a request has the token; compared in a time that says nothing of either. */
  hasToken({ headers: { authorization } }: IncomingMessage): boolean {
    if (this.#token === undefined || authorization === undefined) return false
    const [, given] = /^Bearer +(\S{1,1024}) *$/i.exec(authorization) ?? []
    return given !== undefined && timingSafeEqual(digest(given), this.#token)
  }

  /** Whether one more request of such a caller is let through now. */
  admits(caller: Caller): boolean {
    return this.#buckets[caller].take(this.#now())
  }
}

/** Of equal length, whatever was given. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

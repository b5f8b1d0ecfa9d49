import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Allowance } from '../internal/allowance.ts'

/** How somebody asks: with the token, without one, or for health alone. Each has a budget of its own, so that a flood of one locks out no other. */
export type Caller = 'authorised' | 'anonymous' | 'probe'

export interface AccessOptions {
  readonly token: string | undefined
  readonly requestsPerSecond: number
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** Addresses that are remembered. */
const MAX_ADDRESSES = 1_000

/** Who may ask, and how often. */
export class Access {
  readonly #token: Buffer | undefined
  readonly #allowances: Readonly<Record<Caller, Allowance>>
  /** By address, who asked last at the end: one health check a second, however many others ask. */
  readonly #reserves = new Map<string, Allowance>()
  readonly #now: () => number

  constructor({ token, requestsPerSecond, now }: AccessOptions) {
    this.#now = now
    this.#token = token === undefined ? undefined : digest(token)
    const allowance = () => new Allowance(requestsPerSecond, now, 2)
    this.#allowances = { authorised: allowance(), anonymous: allowance(), probe: allowance() }
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

  /** Whether one more request of such a caller is let through now. Who checks health is restarted for it otherwise, because somebody else asks too often. */
  admits(caller: Caller, address: string): boolean {
    return this.#allowances[caller].take() || (caller === 'probe' && this.#reserveOf(address).take())
  }

  #reserveOf(address: string): Allowance {
    const reserve = this.#reserves.get(address) ?? new Allowance(1, this.#now, 2)
    this.#reserves.delete(address)
    this.#reserves.set(address, reserve)
    if (this.#reserves.size > MAX_ADDRESSES) this.#reserves.delete(this.#reserves.keys().next().value as string)
    return reserve
  }
}

/** Of equal length, whatever was given. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

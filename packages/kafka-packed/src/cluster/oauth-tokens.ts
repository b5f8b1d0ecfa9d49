import { type Clock, describeValue, isObject } from '@millrace/core'
import { PackedError } from '../errors/packed-error.ts'

/** By which a client logs in with OAUTHBEARER. */
export interface OAuthToken {
  /** As it is sent, such as a JSON web token. */
  readonly value: string
  /** When it ends, in milliseconds since the epoch. Another is asked for when four fifths of its time are over. */
  readonly expiresAt: number
  /** Told to the broker with it. Default: none. */
  readonly extensions?: Readonly<Record<string, string>> | undefined
}

/** Of its time, until another token is asked for, as Java's clients do. */
const USED = 0.8

/** The token of one client, for all of its connections: asked for when it is needed first, and again before it ends. */
export class OAuthTokens {
  readonly #ask: () => unknown
  readonly #clock: Clock
  #held: OAuthToken | undefined
  #refreshAt = -Infinity
  #asking: Promise<OAuthToken> | undefined

  /** `ask` is the user's, and may return anything. */
  constructor(ask: () => unknown, clock: Clock) {
    this.#ask = ask
    this.#clock = clock
  }

  /** Those of the token that was given last. */
  get extensions(): Record<string, string> {
    return { ...this.#held?.extensions }
  }

  /** Rejects with a `PackedError`: a retriable one when none can be had now, and the one before has ended. */
  async current(): Promise<string> {
    if (this.#held !== undefined && this.#clock.now() < this.#refreshAt) return this.#held.value
    this.#asking ??= this.#next()
    return (await this.#asking).value
  }

  async #next(): Promise<OAuthToken> {
    try {
      // Not at once: who throws at once would be done before this is known to be under way.
      this.#held = checked(await Promise.resolve().then(this.#ask))
      const now = this.#clock.now()
      this.#refreshAt = now + (this.#held.expiresAt - now) * USED
      return this.#held
    } catch (error) {
      if (error instanceof PackedError) throw error
      if (this.#held !== undefined && this.#clock.now() < this.#held.expiresAt) return this.#held
      const message = `sasl.token() gave no token to log in with: ${error instanceof Error ? error.message : String(error)}`
      throw new PackedError(message, { kind: 'unreachable', cause: error })
    } finally {
      this.#asking = undefined
    }
  }
}

/** Text alone says nothing of when it ends: the next login asks again. */
function checked(given: unknown): OAuthToken {
  const { value, expiresAt, extensions } = typeof given === 'string' ? { value: given, expiresAt: -Infinity } : partsOf(given)
  if (typeof value === 'string' && value !== '' && typeof expiresAt === 'number' && !Number.isNaN(expiresAt))
    return { value, expiresAt, extensions: extensions as OAuthToken['extensions'] }
  const message = `sasl.token() returned ${describeValue(given)}; return text, or { value, expiresAt } with the time it ends in milliseconds.`
  throw new PackedError(message, { kind: 'authentication' })
}

function partsOf(given: unknown): { readonly [Name in keyof OAuthToken]?: unknown } {
  return isObject(given) ? given : {}
}

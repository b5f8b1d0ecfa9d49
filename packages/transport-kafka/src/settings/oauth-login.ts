import { asError, describeValue, isObject } from '@millrace/core'
import type { ClientProperties } from '../kafka-options.ts'
import { textOf } from './property-text.ts'

/** A login by a token, in the words of the clients that are written in JavaScript. */
export interface OAuthLogin {
  readonly mechanism: 'OAUTHBEARER'
  /** Gives one that can be used now. Rejects as the callback does, or with an `Error` that says what it gave instead. */
  readonly token: () => Promise<OAuthToken>
}

export interface OAuthToken {
  readonly value: string
  /** When it ends, in milliseconds since the epoch. */
  readonly expiresAt: number
  readonly extensions?: Readonly<Record<string, string>>
}

const CALLBACK = 'oauthbearer_token_refresh_cb'

/**
 * Of the property by which `@confluentinc/kafka-javascript` asks for tokens: a function of the text of `sasl.oauthbearer.config` that returns a promise of
 * `{ tokenValue, lifetime, principal, extensions }`, or calls back with it. Throws an `Error` without it.
 */
export function oauthLogin(properties: ClientProperties): OAuthLogin {
  const ask = properties[CALLBACK]
  if (typeof ask !== 'function')
    throw new Error(`OAUTHBEARER needs a function '${CALLBACK}' that gives tokens, as nothing else is known to do here`)
  const config = textOf(properties, 'sasl.oauthbearer.config') ?? ''
  return { mechanism: 'OAUTHBEARER', token: async () => checked(await answerOf(ask as Ask, config)) }
}

type Ask = (config: string, callback: (error: unknown, token: unknown) => void) => unknown

function answerOf(ask: Ask, config: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const returned = ask(config, (error, token) => (error == null ? resolve(token) : reject(asError(error))))
    if (typeof (returned as Partial<PromiseLike<unknown>> | undefined)?.then === 'function') resolve(returned)
  })
}

/** What a user's function gave may be anything. */
type Given = { readonly [Name in 'tokenValue' | 'lifetime' | 'extensions']?: unknown }

function checked(given: unknown): OAuthToken {
  const { tokenValue, lifetime, extensions }: Given = isObject(given) ? given : {}
  if (typeof tokenValue !== 'string' || tokenValue === '' || typeof lifetime !== 'number' || Number.isNaN(lifetime))
    throw new Error(`${CALLBACK} gave ${describeValue(given)}; it is to give { tokenValue, lifetime }, the time it ends in milliseconds`)
  return { value: tokenValue, expiresAt: lifetime, ...(isObject(extensions) && { extensions: textsOf(extensions) }) }
}

function textsOf(extensions: object): Record<string, string> {
  const entries: Iterable<readonly [unknown, unknown]> = extensions instanceof Map ? extensions : Object.entries(extensions)
  return Object.fromEntries([...entries].map(([name, value]) => [String(name), String(value)]))
}

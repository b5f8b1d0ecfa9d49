import { ManualClock } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { resolveConnectOptions } from '../../src/cluster/connection-options.ts'
import { OAuthTokens } from '../../src/cluster/oauth-tokens.ts'

const BROKERS = [{ host: 'a', port: 1 }]

describe('the token of a client', () => {
  it('is asked for once for all connections, and again when four fifths of its time are over', async () => {
    const clock = new ManualClock(1_000)
    let asked = 0
    const tokens = new OAuthTokens(() => {
      asked++
      return Promise.resolve({ value: `token ${asked}`, expiresAt: clock.now() + 1_000, extensions: { of: String(asked) } })
    }, clock)
    expect(await Promise.all([tokens.current(), tokens.current()])).toEqual(['token 1', 'token 1'])
    await clock.advance(799)
    expect(await tokens.current()).toBe('token 1')
    expect(tokens.extensions).toEqual({ of: '1' })
    await clock.advance(1)
    expect(await tokens.current()).toBe('token 2')
    expect(tokens.extensions).toEqual({ of: '2' })
  })

  it('is asked for by each login where it is only text', async () => {
    let asked = 0
    const tokens = new OAuthTokens(() => `token ${++asked}`, new ManualClock())
    expect([await tokens.current(), await tokens.current()]).toEqual(['token 1', 'token 2'])
  })

  it('is used on while there is no other, until it ends', async () => {
    const clock = new ManualClock()
    let isAway = false
    const tokens = new OAuthTokens(() => {
      if (isAway) throw new Error('away')
      return { value: 'token', expiresAt: clock.now() + 1_000 }
    }, clock)
    await tokens.current()
    isAway = true
    await clock.advance(999)
    expect(await tokens.current()).toBe('token')
    await clock.advance(1)
    const message = 'sasl.token() gave no token to log in with: away'
    await expect(tokens.current()).rejects.toMatchObject({ kind: 'unreachable', retriable: true, message })
    isAway = false
    expect(await tokens.current()).toBe('token')
  })

  it.each([undefined, '', {}, { value: 'a' }, { value: 'a', expiresAt: Number.NaN }])('is refused when it is none: %j', async (given) => {
    const tokens = new OAuthTokens(() => given, new ManualClock())
    await expect(tokens.current()).rejects.toMatchObject({
      kind: 'authentication',
      message: expect.stringContaining('return text') as string,
    })
  })

  it('is asked of who wants to log in by one', () => {
    const problems: string[] = []
    resolveConnectOptions({ brokers: BROKERS, sasl: { mechanism: 'OAUTHBEARER' } }, problems)
    expect(problems).toEqual(['sasl.token is undefined; OAUTHBEARER needs a token, or a function that gives one.'])
  })
})

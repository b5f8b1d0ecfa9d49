import { describe, expect, test } from 'vitest'
import { oauthLogin } from '../../src/settings/oauth-login.ts'

const CALLBACK = 'oauthbearer_token_refresh_cb'
const GIVEN = { tokenValue: 'token', lifetime: 9_000, principal: 'me', extensions: { trace: 7 } }
const TAKEN = { value: 'token', expiresAt: 9_000, extensions: { trace: '7' } }

/** What is logged in with, by a callback. */
const tokenOf = (callback: unknown, others: object = {}) => oauthLogin({ [CALLBACK]: callback, ...others }).token()

describe('a login by a token', () => {
  test('takes tokens as the other client does: of a promise, or of what is called back', async () => {
    expect(await tokenOf(async () => GIVEN)).toEqual(TAKEN)
    expect(await tokenOf((_: string, done: (error: unknown, token: unknown) => void) => done(null, GIVEN))).toEqual(TAKEN)
    expect(await tokenOf(async () => ({ ...GIVEN, extensions: new Map([['trace', 7]]) }))).toEqual(TAKEN)
    expect(await tokenOf(async () => ({ ...GIVEN, extensions: undefined }))).toEqual({ value: 'token', expiresAt: 9_000 })
  })

  test('tells the callback what it was configured with', async () => {
    const asked: string[] = []
    const callback = async (config: string) => {
      asked.push(config)
      return GIVEN
    }
    await tokenOf(callback)
    await tokenOf(callback, { 'sasl.oauthbearer.config': 'principal=me' })
    expect(asked).toEqual(['', 'principal=me'])
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('no token today')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no token today'))],
    ['calls back with an error', (_: string, done: (error: unknown) => void) => done(new Error('no token today'))],
  ])('fails with the reason when the callback %s', async (_, callback) => {
    await expect(tokenOf(callback)).rejects.toThrow('no token today')
  })

  test.each([
    undefined,
    'token',
    {},
    { tokenValue: '', lifetime: 1 },
    { tokenValue: 'token' },
    { tokenValue: 'token', lifetime: Number.NaN },
  ])('names the callback that gives %j', async (given) => {
    await expect(tokenOf(async () => given)).rejects.toThrow(`${CALLBACK} gave `)
  })
})

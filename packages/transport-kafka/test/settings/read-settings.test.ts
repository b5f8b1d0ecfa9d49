import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { AuthenticationError, ResponseError, UnsupportedApiError } from '@platformatic/kafka'
import { describe, expect, test } from 'vitest'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { readSettings } from '../../src/settings/read-settings.ts'
import { failureOf, settingsIn } from '../../src/settings/settings-answer.ts'

const options = resolveOptions({ brokers: '127.0.0.1:1', connectTimeoutMs: 500, requestTimeoutMs: 2_000 })
const DESCRIBE_CONFIGS = 32

describe('settings of topics', () => {
  test('are not known where the library is missing, with what to do about it', async () => {
    const missing = () => Promise.reject(new Error('the package @platformatic/kafka is not here'))
    expect(await readSettings(['a'], options, missing)).toEqual({
      byTopic: new Map(),
      unknownBecause: 'the package @platformatic/kafka is not here',
    })
  })

  test('are not known where one can not connect as the others do, and nothing is loaded then', async () => {
    const kerberos = resolveOptions({ brokers: 'one:9092', properties: { 'security.protocol': 'sasl_plaintext' } })
    const load = () => Promise.reject(new Error('loaded'))
    expect(await readSettings(['a'], kerberos, load)).toMatchObject({ unknownBecause: expect.stringContaining('GSSAPI') as unknown })
  })

  test('may be known another time where no broker answers', async () => {
    await expect(readSettings(['a'], options)).rejects.toMatchObject({
      name: 'ClientError',
      kind: 'unreachable',
      message: expect.stringContaining('ECONNREFUSED') as unknown,
    })
  })

  test('may be known another time where one closes the connection, or says nothing in time', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const brokers = `127.0.0.1:${(server.address() as AddressInfo).port}`
    await expect(readSettings(['a'], resolveOptions({ brokers, connectTimeoutMs: 500 }))).rejects.toMatchObject({ kind: 'unreachable' })
    server.removeAllListeners('connection')
    const silent = resolveOptions({ brokers, connectTimeoutMs: 200, requestTimeoutMs: 200 })
    await expect(readSettings(['a'], silent)).rejects.toMatchObject({ kind: 'unreachable' })
    server.close()
  })

  test('are told by name, but for those that have no value', () => {
    const { byTopic } = settingsIn([
      {
        resourceName: 'a',
        configs: [
          { name: 'cleanup.policy', value: 'compact' },
          { name: 'secret', value: null },
        ],
      },
    ])
    expect(byTopic).toEqual(new Map([['a', { 'cleanup.policy': 'compact' }]]))
  })
})

describe('why settings are not known', () => {
  const answer = (errorCode: number) => new ResponseError(DESCRIBE_CONFIGS, 4, { '/results/0': [errorCode, 'no'] }, {})
  const wrapped = (error: Error) => new AggregateError([new Error('failed 2 times', { cause: error })], 'Describing configs failed.')

  test.each([
    [
      'the broker refuses',
      answer(29),
      'the broker answers TOPIC_AUTHORIZATION_FAILED: allow this principal to describe configs of these topics',
    ],
    [
      'the login fails',
      new AuthenticationError('SASL authentication failed.', { cause: answer(58) }),
      'the broker answers SASL_AUTHENTICATION_FAILED',
    ],
    ['the broker is too old', new UnsupportedApiError('Unsupported API DescribeConfigs.'), 'Unsupported API DescribeConfigs'],
    [
      'the broker shows a certificate that Node does not trust',
      Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
      'self-signed certificate',
    ],
    ['something is thrown that is no error', 'by chance', 'by chance'],
  ])('%s', (_, error, reason) => {
    expect(failureOf(error)).toEqual({ byTopic: new Map(), unknownBecause: reason })
    expect(failureOf({ message: 'wrapped', errors: [{ cause: error }] })).toEqual({ byTopic: new Map(), unknownBecause: reason })
  })

  test('is no matter where it passes: a broker is away, or a topic is deleted meanwhile', () => {
    const away = (code: string) => Object.assign(new Error(`connect ${code}`), { code })
    expect(() => failureOf(wrapped(away('ECONNREFUSED')))).toThrow(expect.objectContaining({ kind: 'unreachable' }))
    expect(() => failureOf(new AggregateError([away('ETIMEDOUT'), away('ENOTFOUND')]))).toThrow('connect ETIMEDOUT')
    expect(() => failureOf(wrapped(answer(3)))).toThrow(expect.objectContaining({ kind: 'transient' }))
    const other = Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' })
    expect(failureOf(new AggregateError([away('ECONNREFUSED'), other]))).toMatchObject({ unknownBecause: 'certificate has expired' })
  })
})

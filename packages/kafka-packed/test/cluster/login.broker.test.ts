import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { bytesAt, viewColumn } from '@millrace/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSecureBroker } from '../../../../tools/broker/secure-broker.mjs'
import { type ConnectOptions, PackedAdmin, PackedReader, PackedWriter } from '../../src/index.ts'

const TOPIC = 'lines'
const [USER, PASSWORD] = ['alice', 'wonderland']
const LIMIT_MS = 120_000
/** A client logs in again after four fifths of it. */
const LOGIN_MS = 1_000

type Mechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

let broker: Awaited<ReturnType<typeof openSecureBroker>>

beforeAll(async () => {
  broker = await openSecureBroker({ user: USER, password: PASSWORD, loginMs: LOGIN_MS })
  await using admin = await PackedAdmin.open(secured('PLAIN'))
  await admin.createTopic({ topic: TOPIC, partitions: 1 })
}, LIMIT_MS)

afterAll(() => broker.stop())

function secured(mechanism: Mechanism, password = PASSWORD): ConnectOptions {
  return { ...open(mechanism, password), brokers: [{ host: '127.0.0.1', port: broker.tlsPort }], tls: { ca: broker.certificate } }
}

function open(mechanism: Mechanism, password = PASSWORD): ConnectOptions {
  return { brokers: [{ host: '127.0.0.1', port: broker.plainPort }], sasl: { mechanism, username: USER, password } }
}

async function write(writer: PackedWriter, value: string): Promise<void> {
  await writer.write({ topic: TOPIC, length: 1, keys: viewColumn([null]), values: viewColumn([Buffer.from(value)]), timestamps: [1] })
  expect(await writer.flush()).toEqual([])
}

async function last(options: ConnectOptions): Promise<string> {
  await using reader = await PackedReader.open(options)
  const [{ offset } = { offset: 0 }] = await reader.listOffsets([{ topic: TOPIC, partition: 0 }], 'end')
  reader.assign([{ topic: TOPIC, partition: 0, offset: offset - 1 }])
  const { batches } = await reader.poll(1, 60_000)
  return batches.map(({ values }) => Buffer.from(bytesAt(values, 0) ?? []).toString()).join()
}

/** As an identity provider would give it, but unsigned, which Kafka's validator for tests takes. */
function unsigned(user: string, endsInSeconds: number): string {
  const seconds = Math.floor(Date.now() / 1_000)
  const parts = [{ alg: 'none' }, { sub: user, iat: seconds - 10, exp: seconds + endsInSeconds }]
  return `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`
}

function byToken(token: NonNullable<ConnectOptions['sasl']>['token'], tls = false): ConnectOptions {
  return { ...(tls ? secured('PLAIN') : open('PLAIN')), sasl: { mechanism: 'OAUTHBEARER', token } }
}

describe('a broker that clients log in to', { timeout: LIMIT_MS }, () => {
  it.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)(
    'is written and read through TLS, and refuses a wrong password (%s)',
    async (mechanism) => {
      await using writer = await PackedWriter.open(secured(mechanism))
      await write(writer, mechanism)
      expect(await last(secured(mechanism))).toBe(mechanism)
      await expect(PackedReader.open(secured(mechanism, 'wrong'))).rejects.toMatchObject({ kind: 'authentication', retriable: false })
    },
  )

  it('is not spoken to by who does not know its certificate, and not understood without TLS', async () => {
    const { tls: _without, ...plain } = secured('PLAIN')
    await expect(PackedReader.open({ ...plain, tls: {} })).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(/certificate/) as string,
    })
    await expect(PackedReader.open({ ...plain, connectTimeoutMs: 2_000 })).rejects.toMatchObject({ retriable: true })
  })

  it('is logged in to anew on other connections when a login ends, and those before are closed', async () => {
    const sockets: Socket[] = []
    const opened = (message: unknown): void => {
      sockets.push((message as { socket: Socket }).socket)
    }
    subscribe('net.client.socket', opened)
    await using writer = await PackedWriter.open(open('PLAIN'))
    // To one broker: a connection for questions, and one to write on.
    for (let i = 0; sockets.length < 4; i++) await write(writer, `login ${i}`)
    unsubscribe('net.client.socket', opened)
    await expect.poll(() => sockets.filter(({ destroyed }) => !destroyed).length, { timeout: 60_000 }).toBeLessThanOrEqual(2)
    await writer.close()
  })

  it('is logged in to with a token, which is asked for again before it ends', async () => {
    let asked = 0
    const token = (): { value: string; expiresAt: number } => {
      asked++
      // Longer than is said: a slow machine may come late with it.
      return { value: unsigned(USER, 3_600), expiresAt: Date.now() + LOGIN_MS }
    }
    await using writer = await PackedWriter.open(byToken(token))
    for (let i = 0; asked < 4; i++) await write(writer, `token ${i}`)
    await write(writer, 'by token')
    expect(await last(byToken(() => Promise.resolve(unsigned(USER, 3_600)), true))).toBe('by token')
  })

  it('lets nobody in by a token that has ended, and waits for who can not give one now', async () => {
    await expect(PackedReader.open(byToken(() => unsigned(USER, -5)))).rejects.toMatchObject({ kind: 'authentication', retriable: false })
    const away = (): string => {
      throw new Error('no identity provider')
    }
    const message = expect.stringContaining('no identity provider') as string
    await expect(PackedReader.open(byToken(away))).rejects.toMatchObject({ kind: 'unreachable', retriable: true, message })
  })
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClientProperties } from '../../src/index.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { connectionSettings } from '../../src/settings/connection-settings.ts'

let folder: string
let file: (name: string) => string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-'))
  file = (name) => join(folder, name)
  for (const name of ['ca', 'certificate', 'key', 'keystore']) await writeFile(file(name), `the ${name}`)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const of = (properties: ClientProperties, brokers = 'one:9093') => connectionSettings(resolveOptions({ brokers, properties }))

describe('the connection that settings are read through', () => {
  test('goes to the brokers that are given, without their protocols and brackets', async () => {
    expect(await of({}, 'a:1,SASL_SSL://b.example:2,[::1]:3')).toEqual({
      bootstrapBrokers: [
        { host: 'a', port: 1 },
        { host: 'b.example', port: 2 },
        { host: '::1', port: 3 },
      ],
    })
  })

  test('logs in as all do, by either name of the mechanism', async () => {
    const login = { 'sasl.username': 'me', 'sasl.password': 'secret' }
    const sasl = { mechanism: 'SCRAM-SHA-512', username: 'me', password: 'secret' }
    expect(await of({ 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanisms': 'scram-sha-512', ...login })).toMatchObject({ sasl })
    const other = await of({ 'security.protocol': 'sasl_ssl', 'sasl.mechanism': 'PLAIN', ...login })
    expect(other).toMatchObject({ sasl: { ...sasl, mechanism: 'PLAIN' }, tls: {}, tlsServerName: true })
    expect(await of({ 'security.protocol': 'plaintext', 'sasl.mechanism': 'PLAIN', ...login })).not.toHaveProperty('sasl')
  })

  test('is encrypted with what is given as text or as a file', async () => {
    const pem = { 'ssl.ca.pem': 'CA', 'ssl.certificate.pem': 'CERTIFICATE', 'ssl.key.pem': 'KEY', 'ssl.key.password': 'word' }
    expect((await of({ 'security.protocol': 'ssl', ...pem })).tls).toEqual({
      ca: 'CA',
      cert: 'CERTIFICATE',
      key: 'KEY',
      passphrase: 'word',
    })
    const files = { 'ssl.ca.location': file('ca'), 'ssl.certificate.location': file('certificate'), 'ssl.key.location': file('key') }
    expect((await of({ 'security.protocol': 'ssl', ...files })).tls).toEqual({
      ca: Buffer.from('the ca'),
      cert: Buffer.from('the certificate'),
      key: Buffer.from('the key'),
    })
    const keystore = { 'ssl.keystore.location': file('keystore'), 'ssl.keystore.password': 'word', 'ssl.ca.location': 'probe' }
    expect((await of({ 'security.protocol': 'ssl', ...keystore })).tls).toEqual({ pfx: Buffer.from('the keystore'), passphrase: 'word' })
  })

  test('verifies the broker and its name, unless that is off', async () => {
    expect((await of({ 'security.protocol': 'ssl' })).tls).toEqual({})
    const off = { 'enable.ssl.certificate.verification': false, 'ssl.endpoint.identification.algorithm': 'none' }
    const { tls } = await of({ 'security.protocol': 'ssl', ...off })
    expect(tls).toMatchObject({ rejectUnauthorized: false })
    expect(tls?.checkServerIdentity?.('a', {} as never)).toBeUndefined()
  })

  test('tells the broker its name, but never an address', async () => {
    expect(await of({ 'security.protocol': 'ssl' }, 'one:1')).toMatchObject({ tlsServerName: true })
    expect(await of({ 'security.protocol': 'ssl' }, '127.0.0.1:1')).toMatchObject({ tlsServerName: false })
  })

  test.each([
    [{ 'security.protocol': 'sasl_ssl', 'sasl.mechanisms': 'OAUTHBEARER' }, "OAUTHBEARER needs a function 'oauthbearer_token_refresh_cb'"],
    // Which is librdkafka's default.
    [{ 'security.protocol': 'sasl_plaintext' }, "can't log in by GSSAPI"],
    [{ 'security.protocol': 'ssl', 'ssl.engine.location': '/engine.so' }, "has nothing like 'ssl.engine.location'"],
    [{ 'security.protocol': 'ssl', 'ssl.ca.location': '/no/such/file' }, "ssl.ca.location can't be read: ENOENT"],
  ])('can not be made with %j', async (client, reason) => {
    await expect(of(client)).rejects.toThrow(reason)
  })

  test('is that of those that administer, where they have properties of their own', async () => {
    const options = resolveOptions({
      brokers: 'one:1',
      properties: { 'security.protocol': 'sasl_ssl' },
      admin: { 'security.protocol': 'ssl' },
    })
    expect(await connectionSettings(options)).not.toHaveProperty('sasl')
  })
})

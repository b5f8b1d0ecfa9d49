import { type Logger, silentLogger } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { ClientLog } from '../../src/confluent/client-log.ts'
import { ClientError } from '../../src/client/client-error.ts'
import { connectionError } from '../../src/errors/connection-error.ts'

interface Line {
  readonly level: string
  readonly fields: object
  readonly message: string
}

function recorded() {
  const lines: Line[] = []
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message })
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  let now = 0
  return { lines, log: new ClientLog(logger, 'c', () => now), passes: (ms: number) => (now += ms) }
}

function refused(ms: number, suppressed = ''): { severity: number; fac: string; message: string } {
  const message = `[thrd:127.0.0.1:1/bootstrap]: 127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after ${ms}ms in state CONNECT${suppressed})`
  return { severity: 3, fac: 'FAIL', message }
}

describe("a client's own log", () => {
  test('tells the same complaint once in half a minute, and how often it was repeated', () => {
    const { lines, log, passes } = recorded()
    log.connected()
    for (let i = 0; i < 100; i++) log.onLog(refused(i))
    log.onLog(refused(1, ', 7 identical error(s) suppressed'))
    log.onLog({
      severity: 3,
      fac: 'FAIL',
      message: 'GroupCoordinator: 127.0.0.1:1: Connect to ipv4#127.0.0.1:1 failed: Connection refused',
    })
    log.onError({ message: 'broker transport failure' })
    log.onLog({ severity: 4, fac: 'SESSTMOUT', message: 'session timed out' })
    expect(lines.map(({ level, fields }) => [level, fields])).toEqual([
      ['warn', { clientId: 'c', facility: 'FAIL' }],
      ['debug', { clientId: 'c', facility: 'ERROR' }],
      ['warn', { clientId: 'c', facility: 'SESSTMOUT' }],
    ])
    passes(30_001)
    log.onLog(refused(5))
    expect(lines[3]).toMatchObject({ level: 'warn', fields: { repeated: 101 } })
    log.onError({ message: 'all broker connections are down' })
    expect(lines[4]).toMatchObject({ level: 'warn', message: 'kafka client: all broker connections are down' })
  })

  test('keeps quiet before the connection stands, and explains why it does not', () => {
    const { lines, log } = recorded()
    log.onLog(refused(0))
    expect(lines.map(({ level }) => level)).toEqual(['debug'])
    expect(log.lastComplaint).toBe('Connect to 127.0.0.1:1 failed: Connection refused')
    const error = connectionError({
      brokers: '127.0.0.1:1',
      seconds: 2,
      complaint: log.lastComplaint,
      error: new ClientError('timed out', { kind: 'timed-out', code: -185 }),
    })
    expect(error).toMatchObject({ code: 'BROKER_UNREACHABLE', retryable: true })
    expect(error.message).toBe(
      "Kafka can't be reached at 127.0.0.1:1 within 2 s: Connect to 127.0.0.1:1 failed: Connection refused. Is it running, and is the address right?",
    )
  })

  test('tells refused credentials from a missing broker', () => {
    const complaint = 'SASL authentication error: Authentication failed: Invalid username or password'
    const error = connectionError({
      brokers: 'a:1',
      seconds: 2,
      complaint,
      error: new ClientError('timed out', { kind: 'timed-out', code: -185 }),
    })
    expect(error).toMatchObject({ code: 'KAFKA_AUTHENTICATION', retryable: false })
  })

  test('leaves notices, and properties that are not for this kind of client, to who debugs', () => {
    const { lines, log } = recorded()
    log.connected()
    log.onLog({ severity: 6, fac: 'REBALANCE', message: 'Group "g" is rebalancing' })
    log.onLog({
      severity: 4,
      fac: 'CONFWARN',
      message: 'Configuration property x is a consumer property and will be ignored by this producer instance',
    })
    expect(lines.map(({ level }) => level)).toEqual(['debug', 'debug'])
  })
})

test('that a connection was closed does not hide why, whichever is said last', () => {
  const refused =
    'ssl://a:1/bootstrap: SSL handshake failed: Disconnected: SSL connection closed by peer (after 2ms in state SSL_HANDSHAKE)'
  const closed = 'ssl://a:1/bootstrap: Disconnected: SSL connection closed by peer (after 2ms in state SSL_HANDSHAKE)'
  const log = new ClientLog(silentLogger, 'c')
  for (const message of [closed, refused, closed]) log.onLog({ severity: 3, fac: 'FAIL', message })
  expect(log.lastComplaint).toBe('SSL handshake failed: Disconnected: SSL connection closed by peer')
})

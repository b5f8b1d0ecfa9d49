import { expect, test } from 'vitest'
import { clientConfig } from '../src/client-config.ts'

test('the client limits neither what the sink limits itself, nor less than it may; what is given holds', () => {
  const { request_timeout: timeoutMs = 0, max_open_connections: connections = 0, url } = clientConfig('http://host:8123')
  // The largest that `insertTimeoutMs` can wait for, and `maxConcurrentInserts` can be.
  expect(timeoutMs).toBe(2_147_483_647)
  expect(connections).toBeGreaterThan(1_000)
  expect(url).toBe('http://host:8123')
  expect(clientConfig(undefined, { url: 'http://other', request_timeout: 5, max_open_connections: 3 })).toMatchObject({
    ...{ url: 'http://other', request_timeout: 5, max_open_connections: 3 },
  })
})

import { once } from 'node:events'
import { connect } from 'node:net'
import { silentLogger } from '@millrace/core'
import { expect, onTestFinished, test } from 'vitest'
import { Access } from '../../src/http/access.ts'
import { json } from '../../src/http/answer.ts'
import { resolveHttp } from '../../src/http/http-options.ts'
import { jsonBody, type Request } from '../../src/http/request.ts'
import type { Routes } from '../../src/http/routes.ts'
import { TelemetryServer } from '../../src/http/server.ts'

/** A server that has little patience, and answers with the body it was sent. */
async function impatient(port = 0): Promise<number> {
  const http = resolveHttp({ port }, [])
  const access = new Access({ ...http, now: () => 0 })
  const routes = { answer: async ({ message }: Request) => json(await jsonBody(message)) } as unknown as Routes
  const limits = { headersTimeout: 200, requestTimeout: 200, connectionsCheckingInterval: 20 }
  const server = new TelemetryServer({ http, routes, access, dashboard: undefined, logger: silentLogger, limits })
  onTestFinished(() => server.close())
  return server.listen()
}

test('a port that another has is told with what to do about it, and the code by which it is known', async () => {
  const port = await impatient()
  const error: unknown = await impatient(port).catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code: 'EADDRINUSE', message: expect.stringContaining(`127.0.0.1:${port}`) as string })
  expect(String(error)).toContain('Set http.port')
})

/** All that comes back on a connection that is sent this much, and no more. */
async function answerTo(port: number, sent: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (data) => (answer += data.toString()))
  socket.on('error', () => undefined)
  socket.write(sent)
  await once(socket, 'close')
  return answer
}

test.each([
  ['the headers', 'PATCH /batching HTTP/1.1\r\nhost: localhost\r\n'],
  ['the body', 'PATCH /batching HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{"a'],
  ['a chunk of the body', 'PATCH /batching HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{"a\r\n'],
])('who never comes to the end of %s is not waited for', async (_, sent) => {
  expect(await answerTo(await impatient(), sent)).toMatch(/^HTTP\/1.1 408 /)
})

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { PublishError, type Publisher } from 'millrace/publisher'
import { type events, isEventType } from './events.ts'

/** A service that is running. */
export interface Service {
  readonly url: string
  /** Answers what is under way, then ends. */
  close(): Promise<void>
}

/** `POST /events` with `{ "type", "payload" }` publishes, and answers when the event is durable; `GET /status` and `GET /metrics` tell how it goes. */
export async function startService(publisher: Publisher<typeof events>, port: number): Promise<Service> {
  const server = createServer((request, response) => {
    answer(publisher, request).then(
      ({ status, body }) => reply(response, status, body),
      (error: unknown) => reply(response, 500, { error: String(error) }),
    )
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeIdleConnections()
      await closed
    },
  }
}

async function answer(publisher: Publisher<typeof events>, request: IncomingMessage): Promise<{ status: number; body: unknown }> {
  switch (`${request.method} ${request.url}`) {
    case 'POST /events':
      return publish(publisher, await json(request).catch(() => undefined))
    case 'GET /status':
      return { status: 200, body: publisher.getBatchStatus() }
    case 'GET /metrics':
      return { status: 200, body: publisher.metrics() }
    default:
      return { status: 404, body: { error: 'POST /events, GET /status or GET /metrics' } }
  }
}

async function publish(publisher: Publisher<typeof events>, body: unknown): Promise<{ status: number; body: unknown }> {
  const { type, payload } = (body ?? {}) as { readonly type?: unknown; readonly payload?: unknown }
  if (!isEventType(type) || payload === undefined)
    return { status: 400, body: { error: 'send { "type": ..., "payload": ... } of a known type' } }
  try {
    return { status: 201, body: await publisher.publish(type, payload as never) }
  } catch (error) {
    if (!(error instanceof PublishError)) throw error
    return { status: statusOf(error), body: { error: error.message, code: error.code, outcome: error.outcome } }
  }
}

function statusOf({ code, outcome }: PublishError): number {
  if (code === 'NOT_SERIALIZABLE') return 400
  // Only what is certainly not there may be sent again as it is.
  return outcome === 'not-sent' ? 503 : outcome === 'refused' ? 422 : 504
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
}

import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { asError } from '@millrace/core'

/** A server of metrics. */
export interface MetricsServer extends AsyncDisposable {
  /** Where it listens: `http://host:port/metrics`. */
  readonly url: string
  /** Never rejects. */
  close(): Promise<void>
}

/** Where to listen. */
export interface MetricsServerOptions {
  /** Default: any that is free. */
  readonly port?: number | undefined
  /** Default: 127.0.0.1. */
  readonly host?: string | undefined
}

/** Answers `GET /metrics` with what `report` returns, as JSON. Rejects if it can't listen there. */
export async function serveMetrics(
  report: () => unknown,
  { port = 0, host = '127.0.0.1' }: MetricsServerOptions = {},
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const { status, answer } = answerTo(request, report)
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const address = server.address() as AddressInfo
  return { url: `http://${host}:${address.port}/metrics`, close, [Symbol.asyncDispose]: close }
}

function answerTo({ url = '/', method }: IncomingMessage, report: () => unknown): { readonly status: number; readonly answer: unknown } {
  const path = url.split('?', 1)[0]
  if (path !== '/metrics' || method !== 'GET')
    return { status: path === '/metrics' ? 405 : 404, answer: { error: 'GET /metrics is what there is.' } }
  try {
    return { status: 200, answer: report() }
  } catch (error) {
    // Such as a sink of an application that has not begun.
    return { status: 503, answer: { error: asError(error).message } }
  }
}

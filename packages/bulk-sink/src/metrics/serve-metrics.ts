import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

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
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const status = pathname !== '/metrics' ? 404 : request.method !== 'GET' ? 405 : 200
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(status === 200 ? JSON.stringify(report()) : JSON.stringify({ error: 'GET /metrics is what there is.' }))
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

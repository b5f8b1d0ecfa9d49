import type { Logger } from '@millrace/core'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Access, Caller } from './access.ts'
import { type Answer, Refusal, refused } from './answer.ts'
import type { DashboardFiles } from './dashboard-files.ts'
import type { ResolvedHttpOptions } from './http-options.ts'
import { parseRequest, type Request } from './request.ts'
import type { Routes } from './routes.ts'

const SECURITY = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
} as const

/** How long who asks may take, in milliseconds, and bytes of headers. Node looks once in a while whether somebody takes longer. */
const LIMITS = {
  maxHeaderSize: 16_384,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 5_000,
} as const

export interface TelemetryServerOptions {
  readonly http: ResolvedHttpOptions
  readonly routes: Routes
  readonly access: Access
  /** Undefined: there is no dashboard. */
  readonly dashboard: DashboardFiles | undefined
  readonly logger: Logger
  /** What differs from {@link LIMITS}. */
  readonly limits?: { readonly [Name in keyof typeof LIMITS]?: number } | undefined
}

/** A small server: who may ask is decided before anything is read, and all that is read is bounded. */
export class TelemetryServer {
  readonly #options: TelemetryServerOptions
  readonly #server: Server

  constructor(options: TelemetryServerOptions) {
    this.#options = options
    this.#server = createServer({ ...LIMITS, ...options.limits }, (message, response) => void this.#serve(message, response))
    this.#server.maxConnections = 256
    this.#server.unref()
  }

  /** Resolves to the port. Rejects if it can't listen there. */
  async listen(): Promise<number> {
    const { port, host } = this.#options.http
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error) => reject(cannotListen(error, this.#options.http))
      this.#server.once('error', failed)
      this.#server.listen({ port, host }, () => {
        this.#server.off('error', failed)
        resolve()
      })
    })
    this.#server.on('error', (error) => this.#options.logger.warn({ err: error }, 'the HTTP server of the telemetry'))
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer
    try {
      answer = await this.#answer(message)
    } catch (error) {
      if (!(error instanceof Refusal)) this.#options.logger.warn({ err: error, url: message.url?.slice(0, 200) }, 'a request failed')
      answer = refused(error instanceof Refusal ? error : new Refusal(500, 'The request failed: the log says why.'))
    }
    const { status, body, type, headers } = answer
    response.writeHead(status, { ...SECURITY, 'content-type': type, 'content-length': Buffer.byteLength(body), ...headers })
    response.end(message.method === 'HEAD' ? undefined : body)
  }

  #answer(message: IncomingMessage): Answer | Promise<Answer> {
    const { access, routes, dashboard } = this.#options
    const request = parseRequest(message)
    const authorised = access.hasToken(message)
    const caller: Caller = authorised ? 'authorised' : request.path[0] === 'health' ? 'probe' : 'anonymous'
    if (!access.admits(caller, message.socket.remoteAddress ?? ''))
      throw new Refusal(429, 'Too many requests: ask again in a second.', {}, { 'retry-after': '1' })
    if (!access.guarded) this.#checkHost(message)
    const file = request.method === 'GET' || request.method === 'HEAD' ? dashboard?.find(request.path) : undefined
    if (file !== undefined) return file
    if (access.guarded && !authorised && caller !== 'probe')
      throw new Refusal(401, 'This needs the token: Authorization: Bearer TOKEN.', {}, { 'www-authenticate': 'Bearer' })
    return routes.answer(request satisfies Request)
  }

  /** Without a token, at an address of this machine alone, a page of the web could ask through a name that it points here. */
  #checkHost({ headers: { host = '' } }: IncomingMessage): void {
    if (!isLoopback(this.#options.http.host) || isLoopback(host.replace(/:\d+$/, ''))) return
    throw new Refusal(403, 'Asked for by another name than localhost: set http.token, or http.host, for that.')
  }
}

/** The system's error, with what to do about it. */
function cannotListen(cause: NodeJS.ErrnoException, { host, port }: ResolvedHttpOptions): Error {
  const at = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const why =
    cause.code === 'EADDRINUSE'
      ? 'another process listens there. Set http.port, or 0 for any that is free: several instances on one machine need a port each'
      : `${cause.message}. See http.host and http.port`
  return Object.assign(new Error(`Telemetry can't listen at ${at}: ${why}.`, { cause }), { code: cause.code })
}

export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[?::1\]?)$/i.test(host)
}

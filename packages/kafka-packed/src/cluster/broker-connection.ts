import { isIP } from 'node:net'
import {
  type API,
  AuthenticationError,
  Connection,
  NetworkError,
  ResponseError,
  type SASLOptions,
  TimeoutError,
  Writer,
} from '@platformatic/kafka'
import { PackedError } from '../errors/packed-error.ts'
import { loginReason } from './login-reason.ts'
import type { ArrivedBytes } from '../wire/byte-reader.ts'
import { decodeApiVersions, API_VERSIONS, encodeApiVersions, type VersionRange } from '../wire/api-versions.ts'
import type { BrokerAddress, ResolvedConnectOptions } from './connection-options.ts'

/** Bounded by who sends. */
const MAX_IN_FLIGHT = 1_000

/** A request that this package writes and reads itself. */
export interface OwnCall<T> {
  readonly key: number
  readonly version: number
  readonly parts: readonly Buffer[]
  readonly decode: (bytes: ArrivedBytes) => T
}

export interface ConnectionUse {
  /** Ends the attempt to make it. Default: nothing does. */
  readonly signal?: AbortSignal | undefined
  /** How long an answer may take once it is made, in milliseconds. Default: `requestTimeoutMs`. */
  readonly answerMs?: number | undefined
}

/** One connection, logged in, to a broker whose versions are known. Once it is broken it stays so: open another. */
export class BrokerConnection {
  readonly #connection: Connection
  readonly #address: BrokerAddress
  /** Requests that are not answered yet. */
  #underWay = 0
  #isRetired = false
  #versions: ReadonlyMap<number, VersionRange> = new Map()
  #features: ReadonlyMap<string, number> = new Map()

  /** Rejects with a {@link PackedError}. */
  static async open(address: BrokerAddress, options: ResolvedConnectOptions, use: ConnectionUse = {}): Promise<BrokerConnection> {
    const { clientId, connectTimeoutMs, requestTimeoutMs, tls, sasl } = options
    const { signal, answerMs = requestTimeoutMs } = use
    const connection = new Connection(clientId, {
      connectTimeout: connectTimeoutMs,
      requestTimeout: answerMs,
      maxInflights: MAX_IN_FLIGHT,
      ...(tls !== undefined && { tls, tlsServerName: isIP(address.host) === 0 }),
      ...(sasl !== undefined && { sasl: sasl.mechanism === 'OAUTHBEARER' ? { authBytesValidator: checkToken, ...sasl } : sasl }),
    })
    // Without a listener an error after the first would end the process; each request learns of it anyway.
    connection.on('error', () => {})
    const opened = new BrokerConnection(connection, address)
    const stop = (): void => opened.close()
    const limit = setTimeout(stop, connectTimeoutMs + requestTimeoutMs)
    signal?.addEventListener('abort', stop)
    try {
      if (signal?.aborted === true) throw new PackedError('The client has been closed.', { kind: 'closed' })
      await connection.connect(address.host, address.port)
      await opened.#negotiate()
    } catch (error) {
      opened.close()
      throw opened.#errorOf(error)
    } finally {
      clearTimeout(limit)
      signal?.removeEventListener('abort', stop)
    }
    return opened
  }

  private constructor(connection: Connection, address: BrokerAddress) {
    this.#connection = connection
    this.#address = address
  }

  get address(): BrokerAddress {
    return this.#address
  }

  /** Also not while it logs in again: a broker takes no other request meanwhile, and another connection is sooner ready. */
  get isUsable(): boolean {
    return !this.#isRetired && this.#connection.isConnected()
  }

  /** Closes once what is under way has been answered: another takes its place. */
  retire(): void {
    this.#isRetired = true
    if (this.#underWay === 0) this.close()
  }

  /** Of a call that the library writes and reads, the newest version of `apis` (newest first) that the broker speaks, and its answer, errors in it included. */
  async call<A extends unknown[], T>(apis: readonly API<A, T>[], ...request: A): Promise<T> {
    const api = apis.find(({ key, version }) => this.speaks(key, version)) ?? apis.at(-1)
    if (api === undefined || !this.speaks(api.key, api.version)) throw this.#unsupported(api?.key ?? -1)
    return this.#counted(async () => {
      try {
        return await api.async(this.#connection, ...request)
      } catch (error) {
        // Thrown for any error within; which concern what is for the caller to see.
        if (error instanceof ResponseError) return error['response'] as T
        throw this.#errorOf(error)
      }
    })
  }

  /** A call that this package writes and reads itself. */
  send<T>({ key, version, parts, decode }: OwnCall<T>): Promise<T> {
    if (!this.speaks(key, version)) return Promise.reject(this.#unsupported(key))
    return this.#counted(() => this.#send({ key, version, parts, decode }, true))
  }

  speaks(key: number, version: number): boolean {
    const range = this.#versions.get(key)
    return range !== undefined && range.min <= version && version <= range.max
  }

  /** Level of what the cluster has switched on; 0: it has not. */
  feature(name: string): number {
    return this.#features.get(name) ?? 0
  }

  /** Every request under way rejects. */
  close(): void {
    // Ends the timer of its next login, too, which would log in over what is closed.
    void this.#connection.close()
    const { socket } = this.#connection
    // Before it is connected there may be none.
    ;(socket as typeof socket | undefined)?.destroy()
  }

  async #counted<T>(ask: () => Promise<T>): Promise<T> {
    this.#underWay++
    try {
      return await ask()
    } finally {
      this.#underWay--
      if (this.#isRetired && this.#underWay === 0) this.close()
    }
  }

  async #negotiate(): Promise<void> {
    const { versions, features } = await this.#send({ ...API_VERSIONS, parts: [encodeApiVersions()], decode: decodeApiVersions }, false)
    this.#versions = versions
    this.#features = features
  }

  #send<T>({ key, version, parts, decode }: OwnCall<T>, hasTags: boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#connection.send<T>(
        key,
        version,
        () => {
          const writer = Writer.create()
          for (const part of parts) writer.append(part)
          return writer
        },
        (_correlation, _key, _version, reader) => decode(reader.buffer),
        true,
        hasTags,
        (error, answer) => {
          if (error === null || error === undefined) resolve(answer as T)
          else reject(this.#errorOf(error))
        },
      )
    })
  }

  #unsupported(key: number): PackedError {
    return new PackedError(`${this.#name()} does not speak a version of request ${key} that this client knows.`, { kind: 'unsupported' })
  }

  /** A time-out or an answer that can't be read leaves the connection in no state to go on with. */
  #errorOf(error: unknown): PackedError {
    if (error instanceof PackedError) return error
    this.close()
    const causes = causesOf(error)
    // It was ours before the library told it as its own, such as that there is no token.
    const known = causes.find((one) => one instanceof PackedError)
    if (known !== undefined) return known
    const { message } = error as Error
    const details = { cause: error }
    if (isUnreadable(error)) {
      return new PackedError(`${this.#name()} gave an answer that can't be read: ${message}.`, { kind: 'malformed', ...details })
    }
    if (causes.at(-1) instanceof TimeoutError)
      return new PackedError(`${this.#name()} has not answered in time.`, { kind: 'timed-out', ...details })
    if (isAuthentication(causes))
      return new PackedError(`${this.#name()} does not let this client in: ${loginReason(causes)}`, { kind: 'authentication', ...details })
    return new PackedError(`${this.#name()} could not be reached: ${reasonOf(error)}`, { kind: 'unreachable', ...details })
  }

  #name(): string {
    return `Broker ${this.#address.host}:${this.#address.port}`
  }
}

/** Of our decoders, and of the library's. */
function isUnreadable(error: unknown): boolean {
  return error instanceof RangeError || error instanceof TypeError || String((error as { code?: unknown }).code).endsWith('OUT_OF_BOUNDS')
}

/** A broker that does not take a token says so in what would else be empty, and waits for the client to give up. */
const checkToken: NonNullable<SASLOptions['authBytesValidator']> = (bytes, callback) => {
  if (bytes.length === 0) callback(null, bytes)
  else callback(new AuthenticationError(`The broker does not take the token: ${bytes.toString()}`), bytes)
}

/** The error itself first. */
function causesOf(error: unknown): Error[] {
  return error instanceof Error ? [error, ...causesOf(error.cause)] : []
}

/** The library says so, too, of a login that was not answered, or whose connection broke: that passes. */
function isAuthentication(causes: readonly Error[]): boolean {
  const at = causes.findLastIndex((one) => one instanceof AuthenticationError)
  return at >= 0 && !causes.slice(at).some((one) => one instanceof TimeoutError || one instanceof NetworkError)
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message} ${cause.message}` : message
}

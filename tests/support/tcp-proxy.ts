import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from '../../tools/broker/free-port.mjs'

/** One connection with what it is forwarded to. */
class Link {
  readonly #ends: readonly [Socket, Socket]
  readonly #onClose: (link: Link) => void
  #standsStill = false

  constructor(client: Socket, broker: Socket, onClose: (link: Link) => void) {
    this.#ends = [client, broker]
    this.#onClose = onClose
    for (const [end, other] of this.#directions) {
      end.setNoDelay(true)
      // What the system says of an end that is gone is told by 'close', too.
      end.on('error', () => undefined)
      end.on('close', (failed) => {
        // Where nothing gets through, the other side does not hear of that either.
        if (this.#standsStill) return
        this.#onClose(this)
        // What it has sent before is on its way.
        if (failed) other.destroy()
        else other.end()
      })
    }
    this.goOn()
  }

  /** What arrives from now on is held, ends of connections included: first by the systems' buffers, then by who sends. */
  standStill(): void {
    this.#standsStill = true
    for (const [end, other] of this.#directions) end.unpipe(other).pause()
  }

  goOn(): void {
    this.#standsStill = false
    if (this.#ends.some(({ destroyed }) => destroyed)) {
      this.#onClose(this)
      this.destroy()
    } else for (const [end, other] of this.#directions) end.pipe(other)
  }

  destroy(): void {
    for (const end of this.#ends) end.destroy()
  }

  get #directions(): readonly (readonly [Socket, Socket])[] {
    const [client, broker] = this.#ends
    return [
      [client, broker],
      [broker, client],
    ]
  }
}

/** A network that can be taken away: what comes to its port on 127.0.0.1 is forwarded to a broker, unless it stands still. */
export class TcpProxy implements AsyncDisposable {
  readonly port: number
  readonly #server: Server
  readonly #links = new Set<Link>()
  #target: { readonly host: string; readonly port: number } | undefined
  #standsStill = false

  private constructor(port: number) {
    this.port = port
    this.#server = createServer({ pauseOnConnect: true }, (client) => this.#accept(client))
  }

  /** Listens on a free port; whoever comes before `forwardTo` is turned away. */
  static async open(): Promise<TcpProxy> {
    const proxy = new TcpProxy(await freePort())
    await proxy.#listen()
    return proxy
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** `address`: `host:port`, or nothing: then everybody is turned away. */
  forwardTo(address: string | undefined): void {
    const [host = '', port = ''] = address?.split(':') ?? []
    this.#target = address === undefined ? undefined : { host, port: Number(port) }
  }

  /** Connections stay open, and new ones are accepted, but not a byte gets through. */
  standStill(): void {
    this.#standsStill = true
    for (const link of this.#links) link.standStill()
  }

  /** As when it stands still, and nobody can connect any more. */
  refuse(): void {
    this.standStill()
    // Those that there are stay.
    this.#server.close()
  }

  /** Everything that was held is forwarded, and nothing is held any more. */
  async goOn(): Promise<void> {
    this.#standsStill = false
    for (const link of this.#links) link.goOn()
    if (!this.#server.listening) await this.#listen()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.#links) link.destroy()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  #accept(client: Socket): void {
    if (this.#target === undefined) {
      client.destroy()
      return
    }
    const link = new Link(client, connect(this.#target), (closed) => this.#links.delete(closed))
    this.#links.add(link)
    if (this.#standsStill) link.standStill()
  }
}

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Forwards to a broker, and cuts the connection instead of every so many answers: who asked has been heard, and does not know. */
export class CuttingProxy implements AsyncDisposable {
  /** Not before it is set is anything forwarded. */
  target: string | undefined
  /** 0: none is cut. */
  every = 0
  cuts = 0
  #answers = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor() {
    this.#server = createServer((client) => this.#accept(client))
  }

  static async open(): Promise<CuttingProxy> {
    const proxy = new CuttingProxy()
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** All at once. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.cut()
    await once(this.#server, 'close')
  }

  #accept(client: Socket): void {
    if (this.target === undefined) {
      client.destroy()
      return
    }
    const [host = '', port = ''] = this.target.split(':')
    const broker = connect({ host, port: Number(port) })
    const ends = [client, broker]
    for (const socket of ends) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        for (const end of ends) end.destroy()
      })
    }
    client.on('data', (bytes) => broker.write(bytes))
    broker.on('data', (bytes) => {
      this.#answers++
      if (this.every > 0 && this.#answers % this.every === 0) {
        this.cuts++
        client.destroy()
      } else {
        client.write(bytes)
      }
    })
  }
}

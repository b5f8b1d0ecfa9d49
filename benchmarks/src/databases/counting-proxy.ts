import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a server that counts what goes over it. */
export interface CountingProxy extends AsyncDisposable {
  /** The server's address, by this way. */
  readonly url: string
  /** To the server, since it was opened. */
  readonly sentBytes: number
}

/** Opens one to the server at this address. */
export async function countingProxy(serverUrl: string): Promise<CountingProxy> {
  const target = new URL(serverUrl)
  const sockets = new Set<Socket>()
  let sentBytes = 0
  const server = createServer((client) => {
    const toServer = connect(Number(target.port), target.hostname)
    client.on('data', (data) => {
      sentBytes += data.length
    })
    for (const [from, to] of [
      [client, toServer],
      [toServer, client],
    ] as const) {
      sockets.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => sockets.delete(from))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(serverUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    // A path that is nothing is none.
    url: url.href.replace(/\/$/, ''),
    get sentBytes() {
      return sentBytes
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

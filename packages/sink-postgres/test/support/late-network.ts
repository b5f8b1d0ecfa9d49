import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a server, on which what one client sends comes late. */
export interface LateNetwork extends AsyncDisposable {
  /** The server's address, by this way. */
  readonly url: string
  /** Hands over what was held, and then says that its client is gone; resolves when the server has done with that connection. */
  deliver(): Promise<void>
}

/** From the first time that `marker` is sent, all that comes over that connection is held: longer than the client is there. */
export async function lateNetwork(serverUrl: string, marker: string): Promise<LateNetwork> {
  const target = new URL(serverUrl)
  const sockets = new Set<Socket>()
  const held: Buffer[] = []
  let late: Socket | undefined
  const listener = createServer((client) => {
    const server = connect(Number(target.port), target.hostname)
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    client.on('data', (data) => {
      if (late === undefined && data.includes(marker)) late = server
      if (late === server) held.push(data)
      else server.write(data)
    })
    client.on('close', () => {
      if (late !== server) server.destroy()
    })
    server.on('data', (data) => void client.write(data))
    server.on('close', () => client.destroy())
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const url = new URL(serverUrl)
  url.hostname = '127.0.0.1'
  url.port = String((listener.address() as AddressInfo).port)
  return {
    url: url.href,
    async deliver() {
      if (late === undefined) throw new Error(`nobody has sent ${marker}`)
      const closed = once(late, 'close')
      late.end(Buffer.concat(held))
      await closed
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      listener.close()
      await once(listener, 'close')
    },
  }
}

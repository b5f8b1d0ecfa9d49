import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/**
 * A way to a server that counts what goes over it.
 * @typedef {object} CountingProxy
 * @property {string} url The server's address, by this way.
 * @property {() => number} sentBytes To the server, since it was opened.
 */

/**
 * Opens one to the server at this address.
 * @param {string} serverUrl
 * @returns {Promise<CountingProxy & AsyncDisposable>}
 */
export async function countingProxy(serverUrl) {
  const target = new URL(serverUrl)
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set()
  let sentBytes = 0
  const server = createServer((client) => {
    const toServer = connect(Number(target.port), target.hostname)
    client.on('data', (data) => {
      sentBytes += data.length
    })
    for (const [from, to] of /** @type {const} */ ([
      [client, toServer],
      [toServer, client],
    ])) {
      sockets.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => sockets.delete(from))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const url = new URL(serverUrl)
  url.hostname = '127.0.0.1'
  url.port = String(port)
  return {
    // A path that is nothing is none.
    url: url.href.replace(/\/$/, ''),
    sentBytes: () => sentBytes,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

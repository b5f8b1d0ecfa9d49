import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

export type Treatment = 'pass' | 'drop' | 'swallow'

/**
 * Where a broker can be reached through connections that are not what they should be: each request is passed on, or ends its connection, or is never
 * answered, as `treat` says, which is given the numbers of the connection and of the request within it, both from 0. With the first request a client
 * only makes itself known.
 */
export async function openFlakyDoor(
  brokers: string,
  treat: (connection: number, request: number) => Treatment,
): Promise<AsyncDisposable & { readonly address: string }> {
  const { hostname, port } = new URL(`kafka://${brokers.split(',')[0]}`)
  let connections = 0
  const server = createServer((client) => {
    const broker = connect(Number(port), hostname)
    const connection = connections++
    let requests = 0
    client.on('data', (bytes) => {
      const treatment = treat(connection, requests++)
      if (treatment === 'pass') broker.write(bytes)
      else if (treatment === 'drop') client.destroy()
    })
    client.on('error', () => undefined)
    client.on('close', () => broker.destroy())
    broker.on('error', () => client.destroy())
    broker.pipe(client)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

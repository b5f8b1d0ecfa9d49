import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

/**
 * Where a broker can be reached whose connections end when `drops` says so, which is asked at every request but the first of a connection: with
 * that a client only makes itself known.
 */
export async function openFlakyDoor(brokers: string, drops: () => boolean): Promise<AsyncDisposable & { readonly address: string }> {
  const { hostname, port } = new URL(`kafka://${brokers.split(',')[0]}`)
  const server = createServer((client) => {
    const broker = connect(Number(port), hostname)
    let requests = 0
    client.on('data', (bytes) => {
      if (requests++ === 0 || !drops()) broker.write(bytes)
      else client.destroy()
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

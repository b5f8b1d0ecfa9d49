import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { Connections } from '../src/connections.ts'

/** A message of the protocol of PostgreSQL: https://www.postgresql.org/docs/current/protocol-message-formats.html */
function message(type: string, content: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(content.length + 4)
  return Buffer.concat([Buffer.from(type), length, content])
}

const authenticated = message('R', Buffer.alloc(4))
const ready = message('Z', Buffer.from('I'))
const ending = message('E', Buffer.from('SFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0'))

test('a server that ends in the same breath with which it lets a client in fails what is asked of it, and nothing else', async () => {
  const server = createServer((socket) => socket.once('data', () => socket.end(Buffer.concat([authenticated, ready, ending]))))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connections = new Connections({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  onTestFinished(async () => {
    await connections.close()
    server.close()
  })
  const asked = connections.use(new AbortController().signal, (client) => client.query('select 1'))
  await expect(asked).rejects.toThrow(/terminat|not queryable/)
})

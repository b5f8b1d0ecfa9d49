import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { TcpProxy } from '../tools/broker/tcp-proxy.mjs'

/** Long enough for what is not held to arrive. */
const ON_ITS_WAY_MS = 50

/** A server that says back what it hears, behind a proxy. */
async function echo(delayMs = 0) {
  const heard: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.setEncoding('utf8').on('error', () => undefined)
    socket.on('data', (text) => {
      heard.push(String(text))
      socket.write(text)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = await TcpProxy.open({ delayMs })
  proxy.forwardTo(`127.0.0.1:${(server.address() as AddressInfo).port}`)
  const client = async () => {
    const socket = connect(proxy.port, '127.0.0.1').setEncoding('utf8')
    await once(socket, 'connect')
    let said = ''
    socket.on('data', (text) => (said += String(text)))
    return { socket, said: () => said }
  }
  const dispose = async () => {
    await proxy[Symbol.asyncDispose]()
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { proxy, client, heard: () => heard.join(''), [Symbol.asyncDispose]: dispose }
}

describe('a proxy that stands still', () => {
  test('lets nothing through, of old connections and new ones, and forwards all of it when it goes on', async () => {
    await using all = await echo()
    const old = await all.client()
    old.socket.write('a')
    await expect.poll(old.said).toBe('a')
    all.proxy.standStill()
    const young = await all.client()
    old.socket.write('b')
    young.socket.write('c')
    await pause(ON_ITS_WAY_MS)
    expect(all.heard()).toBe('a')
    await all.proxy.goOn()
    await expect.poll(old.said).toBe('ab')
    await expect.poll(young.said).toBe('c')
  })

  test('forwards what was sent by who is gone when it goes on', async () => {
    await using all = await echo()
    const { socket } = await all.client()
    all.proxy.standStill()
    socket.end('last words')
    await pause(ON_ITS_WAY_MS)
    expect(all.heard()).toBe('')
    await all.proxy.goOn()
    await expect.poll(all.heard).toBe('last words')
  })

  test('turns away who comes anew, if told so, and keeps the others', async () => {
    await using all = await echo()
    const { socket, said } = await all.client()
    all.proxy.refuse()
    socket.write('a')
    await expect(all.client()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(all.heard()).toBe('')
    await all.proxy.goOn()
    await expect.poll(said).toBe('a')
    const young = await all.client()
    young.socket.write('b')
    await expect.poll(young.said).toBe('b')
  })
})

test('a proxy that takes its time forwards everything in order, that much later, and last words before the end', async () => {
  const delayMs = 100
  await using all = await echo(delayMs)
  const { socket, said } = await all.client()
  const began = performance.now()
  for (const letter of 'abc') socket.write(letter)
  await expect.poll(said).toBe('abc')
  // There and back. Timers are a millisecond early at times.
  expect(performance.now() - began).toBeGreaterThanOrEqual(2 * delayMs - 4)
  socket.end('d')
  await expect.poll(all.heard).toBe('abcd')
})

import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'

const lowest = 20_000
const highest = 32_000

/**
 * A port nothing listens on, from below the range the system gives to outgoing connections: a broker that is restarted finds its
 * port still free.
 * @param {number} [inARow] So many from it on are free. Default: 1.
 * @returns {Promise<number>}
 */
export async function freePort(inARow = 1) {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(lowest, highest)
    const free = await Promise.all(Array.from({ length: inARow }, (_, i) => isFree(port + i)))
    if (free.every(Boolean)) return port
  }
  throw new Error(`No free port between ${lowest} and ${highest}.`)
}

/**
 * @param {number} count
 * @returns {Promise<number[]>}
 */
export async function freePorts(count) {
  const ports = new Set()
  while (ports.size < count) ports.add(await freePort())
  return [...ports]
}

/**
 * Rejects if somebody has one of these ports: what answers there later would be his, and look like ours.
 * @param {number} first
 * @param {number} count So many from it on.
 */
export async function requireFree(first, count) {
  for (let port = first; port < first + count; port++) {
    if ((await isFree(port)) && !(await accepts(port))) continue
    throw new Error(`Port ${port} is taken: choose another, or name the Kafka that listens there with KAFKA_BROKERS=localhost:${port}.`)
  }
}

/**
 * Some systems let one listen at an address where another listens at all of them.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

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

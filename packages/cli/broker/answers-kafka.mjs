import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** ApiVersions, version 0: the one request every broker answers, whatever its age. */
const apiVersionsRequest = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 77, 255, 255])
const apiVersionsResponse = Buffer.from([0, 0, 0, 77, 0, 0])

/**
 * Whether a Kafka broker answers at this address: not merely something that accepts connections.
 * @param {string} address `host:port`
 * @param {number} [timeoutMs]
 * @returns {Promise<boolean>}
 */
export function answersKafka(address, timeoutMs = 3_000) {
  const { host, port } = parseAddress(address)
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    let received = Buffer.alloc(0)
    const settle = (/** @type {boolean} */ answer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(timeoutMs, () => settle(false))
    socket.on('error', () => settle(false))
    socket.on('close', () => settle(false))
    socket.on('connect', () => socket.write(apiVersionsRequest))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length >= 10) settle(received.subarray(4, 10).equals(apiVersionsResponse))
    })
  })
}

/**
 * @param {string} address
 * @param {number} limitMs
 * @param {() => string | undefined} [failed] Asked between tries; a text ends the waiting at once.
 */
export async function waitForKafka(address, limitMs, failed = () => undefined) {
  const end = Date.now() + limitMs
  while (!(await answersKafka(address))) {
    const failure = failed()
    if (failure !== undefined) throw new Error(failure)
    if (Date.now() > end) throw new Error(`No Kafka broker answered at ${address} within ${limitMs / 1_000} s.`)
    await delay(100)
  }
}

/** @param {string} address */
function parseAddress(address) {
  const match = /^(?:[A-Z_]+:\/\/)?\[?(.+?)\]?:(\d+)$/.exec(address.trim())
  if (match === null) throw new TypeError(`'${address}' is not an address: expected host:port.`)
  return { host: String(match[1]), port: Number(match[2]) }
}

// What runs in a thread. In JavaScript, so that it needs no build where the rest runs from its sources: whatever compiles that does not reach threads.

import { isIP } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

/**
 * @typedef {import('./stand-in.ts').StandInData} StandInData
 * @typedef {import('./stand-in.ts').StandInOrder} StandInOrder
 * @typedef {import('@platformatic/kafka').Connection} Connection
 */

const { counters: buffer, intervalMs, limitMs, connect } = /** @type {StandInData} */ (workerData)
const counters = new Int32Array(buffer)
const [SIGNS, BEATS, LEFT] = [0, 1, 2]
const REBALANCE_IN_PROGRESS = 27

/** @type {StandInOrder} */
let order = {}
/** @type {Connection | undefined} */
let connection
let seen = -1
let silentSince = performance.now()
let isAsking = false

parentPort?.on('message', (/** @type {StandInOrder} */ given) => {
  order = given
})

setInterval(() => {
  const sign = Atomics.load(counters, SIGNS)
  if (sign !== seen) {
    seen = sign
    silentSince = performance.now()
    hangUp()
    return
  }
  // Who is only a little late needs nobody in his place.
  if (isAsking || performance.now() - silentSince < 1.5 * intervalMs) return
  isAsking = true
  void ask().finally(() => {
    isAsking = false
  })
}, intervalMs)

/** Never rejects: whatever happens, it is tried again, and the other side learns of it when it is back. */
async function ask() {
  const { member, address } = order
  if (member === undefined || address === undefined) return
  const { groupId, generation, memberId, groupInstanceId = null } = member
  try {
    const { heartbeatV4, leaveGroupV4, Connection, ResponseError } = await import('@platformatic/kafka')
    const opened = (connection ??= new Connection(connect.clientId, optionsFor(address.host)))
    opened.on('error', hangUp)
    if (!opened.isConnected()) await opened.connect(address.host, address.port)
    if (performance.now() - silentSince < limitMs) {
      /** @type {unknown} */
      const refused = await heartbeatV4.api.async(opened, groupId, generation, memberId, groupInstanceId).then(
        () => undefined,
        (/** @type {unknown} */ error) => error,
      )
      if (refused !== undefined && !(refused instanceof ResponseError)) return hangUp()
      const answer = /** @type {{ errorCode: number } | undefined} */ (refused?.['response'])
      if (answer === undefined || answer.errorCode === REBALANCE_IN_PROGRESS) Atomics.add(counters, BEATS, 1)
      return undefined
    }
    order = {}
    Atomics.store(counters, LEFT, 1)
    // A static member's partitions wait for it.
    if (groupInstanceId === null) {
      await leaveGroupV4.api.async(opened, groupId, [{ memberId, groupInstanceId, reason: 'its event loop stands still' }])
    }
  } catch {
    hangUp()
  }
}

/** @param {string} host */
function optionsFor(host) {
  const { connectTimeoutMs, requestTimeoutMs, tls, sasl } = connect
  return {
    connectTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    ...(tls !== undefined && { tls, tlsServerName: isIP(host) === 0 }),
    ...(sasl !== undefined && { sasl }),
  }
}

function hangUp() {
  const socket = connection?.socket
  connection = undefined
  socket?.destroy()
}

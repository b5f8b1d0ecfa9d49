// What runs in a thread. In JavaScript, so that it needs no build where the rest runs from its sources: whatever compiles that does not reach threads.

import { isIP } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

/**
 * @typedef {import('./stand-in.ts').StandInData} StandInData
 * @typedef {import('./stand-in.ts').StandInOrder} StandInOrder
 * @typedef {import('@platformatic/kafka').Connection} Connection
 */

const { counters: buffer, limitMs, connect } = /** @type {StandInData} */ (workerData)
const counters = new Int32Array(buffer)
const [SIGNS, BEATS, LEFT, EPOCH] = [0, 1, 2, 3]

const REBALANCE_IN_PROGRESS = 27
/** In place of an epoch. */
const LEAVES = -1
const LEAVE_REASON = 'its event loop stands still'

/** @type {StandInOrder} */
let order = {}
/** Until there is an order. */
let intervalMs = 1_000
/** @type {Connection | undefined} */
let connection
let seen = -1
let silentSince = performance.now()
let isAsking = false

parentPort?.on('message', (/** @type {StandInOrder} */ given) => {
  order = given
  intervalMs = given.intervalMs ?? intervalMs
})

look()

function look() {
  setTimeout(look, intervalMs)
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
}

/** Never rejects: whatever happens, it is tried again, and the other side learns of it when it is back. */
async function ask() {
  const { address, member } = order
  if (member === undefined || address === undefined) return
  try {
    const opened = await connectTo(address)
    if (performance.now() - silentSince < limitMs) {
      if (await beat(opened, order)) Atomics.add(counters, BEATS, 1)
      return
    }
    const given = order
    order = {}
    Atomics.store(counters, LEFT, 1)
    // A static member's partitions wait for it.
    if (member.groupInstanceId === undefined) await leave(opened, given)
  } catch {
    hangUp()
  }
}

/** @param {NonNullable<StandInOrder['address']>} address */
async function connectTo({ host, port }) {
  const { Connection } = await import('@platformatic/kafka')
  if (connection?.isConnected() !== true) {
    hangUp()
    const opened = (connection = new Connection(connect.clientId, optionsFor(host)))
    // Whatever is told of one that was given up says nothing of the next.
    opened.on('error', () => {
      if (opened === connection) hangUp()
    })
    await opened.connect(host, port)
    return opened
  }
  return connection
}

/**
 * Whether the group still has the member. Rejects when nothing was answered.
 *
 * @param {Connection} opened
 * @param {StandInOrder} given
 */
async function beat(opened, given) {
  const { heartbeatV4 } = await import('@platformatic/kafka')
  const { member, report } = given
  if (member === undefined) return false
  const { groupId, generation, memberId, groupInstanceId = null } = member
  if (report === undefined) {
    const code = await codeOf(heartbeatV4.api.async(opened, groupId, generation, memberId, groupInstanceId))
    return code === 0 || code === REBALANCE_IN_PROGRESS
  }
  /** @type {number | undefined} */
  let epoch
  const code = await codeOf(
    tell(opened, member, report).then((answer) => {
      epoch = answer.memberEpoch
    }),
  )
  // Of the next heartbeat, and for the other side; unless that is back, with another order.
  if (epoch !== undefined && order === given) {
    order = { ...given, member: { ...member, generation: epoch } }
    Atomics.store(counters, EPOCH, epoch)
  }
  return code === 0
}

/**
 * @param {Connection} opened
 * @param {StandInOrder} given
 */
async function leave(opened, { member, report }) {
  const { leaveGroupV4 } = await import('@platformatic/kafka')
  if (member === undefined) return
  if (report !== undefined) await tell(opened, { ...member, generation: LEAVES }, report)
  else await leaveGroupV4.api.async(opened, member.groupId, [{ memberId: member.memberId, groupInstanceId: null, reason: LEAVE_REASON }])
}

/**
 * A heartbeat of KIP-848.
 *
 * @param {Connection} opened
 * @param {NonNullable<StandInOrder['member']>} member
 * @param {NonNullable<StandInOrder['report']>} report
 */
async function tell(opened, { groupId, memberId, generation, groupInstanceId }, report) {
  const { consumerGroupHeartbeatV1 } = await import('@platformatic/kafka')
  const { rebalanceTimeoutMs, topics, serverAssignor, owned } = report
  const [instance, assignor] = [groupInstanceId ?? null, serverAssignor ?? null]
  const { api } = consumerGroupHeartbeatV1
  return api.async(opened, groupId, memberId, generation, instance, null, rebalanceTimeoutMs, topics, null, assignor, owned)
}

/**
 * The code of an answer; rejects when there is none.
 *
 * @param {Promise<unknown>} asked
 */
async function codeOf(asked) {
  const { ResponseError } = await import('@platformatic/kafka')
  try {
    await asked
    return 0
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error
    return /** @type {{ errorCode: number }} */ (error['response']).errorCode
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
